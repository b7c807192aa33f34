"""Reads the ledgers for workers: settled parts, task versions, missing parts.

BigQuery bills the columns that a query names, for every row that it cannot prune, and at least
10 MB for each table. A query by part key reads the keys of all results (66 bytes a row), so it is
made for many keys at a time, and only for messages that were delivered before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.tasks import TaskSpec, stored_task

OVER_ALL_VECTORS = ("embeddings_rows", "embeddings_all")

KEYS_A_QUERY = 10_000
"""Keys in one query: 0.8 MB of a request, which may have 10 MB."""

CANCELLED_HOLDS_S = 30.0
"""How long the list of cancelled runs is cached: for a worker that reads it every two seconds,
BigQuery bills 29 GB a day instead of 430."""

ALL_WRITTEN = """
SELECT part_key FROM {classifications} UNION ALL SELECT part_key FROM {embeddings_rows}
"""

ALL_SETTLED = f"""{ALL_WRITTEN}
UNION ALL
SELECT part_key FROM {{dead_letters_latest}} WHERE event <> 'replayed' AND part_key IS NOT NULL
"""  # noqa: S608 - a constant
"""The keys of all parts that need no more work, some of them twice."""

REQUESTED_AMONG = """
SELECT DISTINCT part_key FROM ({keys})
WHERE part_key IN (SELECT requested FROM UNNEST(@keys) AS requested)
"""
KEYS_WRITTEN = REQUESTED_AMONG.replace("{keys}", ALL_WRITTEN)
KEYS_SETTLED = REQUESTED_AMONG.replace("{keys}", ALL_SETTLED)

TASK_AT = "SELECT toml, model FROM {task_versions} WHERE fingerprint = @fingerprint LIMIT 1"

# This small table is clustered by run, so a query for all runs reads it as a whole.
RUNS_CANCELLED = "SELECT DISTINCT run_id FROM {run_events} WHERE event = 'cancelled'"

IMAGE_BUCKETS = """
SELECT DISTINCT SPLIT(gcs_uri, '/')[SAFE_OFFSET(2)] AS bucket
FROM {observations}
WHERE STARTS_WITH(gcs_uri, 'gs://')
"""

RUNS_KNOWN = """
SELECT run_id, parts FROM {runs_once}
WHERE run_id IN (SELECT requested FROM UNNEST(@runs) AS requested)
"""

PARTS_DONE = """
SELECT run_id, COUNT(*) FROM (
  SELECT run_id FROM {classifications}
  UNION ALL
  SELECT run_id FROM {embeddings_rows}
  UNION ALL
  SELECT run_id FROM {dead_letters} WHERE event = 'dead')
WHERE run_id IN (SELECT requested FROM UNNEST(@runs) AS requested)
GROUP BY run_id
"""

PARTS_MISSING = f"""
SELECT COUNT(*) FROM (
  SELECT part_key
  FROM {{work_items}} AS items
  CROSS JOIN UNNEST(items.part_keys) AS part_key
  WHERE items.run_id IN (SELECT run_id FROM {{runs_current}} WHERE state <> 'cancelled')
  EXCEPT DISTINCT
  SELECT part_key FROM ({ALL_SETTLED})
)
"""  # noqa: S608 - a constant


class BigQueryLedgers:
    """Reads the ledgers of a dataset. Each call sees the rows that were durable when it started.

    The exception is the list of cancelled runs, which may be ``CANCELLED_HOLDS_S`` old.
    """

    def __init__(
        self, client: BigQueryClient, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._names = ledger_names(client.place)
        self._cancelled: frozenset[str] = frozenset()
        self._cancelled_until: float | None = None

    async def settled(self, part_keys: Sequence[str]) -> frozenset[str]:
        """Return which of the keys are written, or dead and not replayed.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        return await self._keys(KEYS_SETTLED, part_keys)

    async def written(self, part_keys: Sequence[str]) -> frozenset[str]:
        """Return which of the keys are written; used for replayed dead letters.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        return await self._keys(KEYS_WRITTEN, part_keys)

    async def _keys(self, statement: str, part_keys: Sequence[str]) -> frozenset[str]:
        known: set[str] = set()
        for keys in _batches(part_keys):
            rows = await self._client.rows(statement.format_map(self._names), keys=keys)
            known.update(key for (key,) in rows)
        return frozenset(known)

    async def task_version(self, fingerprint: str) -> TaskSpec | None:
        """Return the task with a fingerprint, resolved to its model.

        Raises:
            StorageError: this version reads the stored task differently.
        """
        rows = await self._client.rows(TASK_AT.format_map(self._names), fingerprint=fingerprint)
        return stored_task(rows[0][0], rows[0][1], fingerprint) if rows else None

    async def cancelled_runs(self) -> frozenset[str]:
        """Return the ids of the cancelled runs, possibly cached.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        now = self._monotonic()
        if self._cancelled_until is None or now >= self._cancelled_until:
            rows = await self._client.rows(RUNS_CANCELLED.format_map(self._names))
            self._cancelled = frozenset(run_id for (run_id,) in rows)
            self._cancelled_until = now + CANCELLED_HOLDS_S
        return self._cancelled

    async def finished(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these runs have at least as many results and dead letters as parts.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        done = await self._counts(PARTS_DONE, run_ids)
        known = await self._counts(RUNS_KNOWN, run_ids)
        return frozenset(
            run_id for run_id in run_ids if done.get(run_id, 0) >= known.get(run_id, 0)
        )

    async def _counts(self, statement: str, run_ids: Sequence[str]) -> dict[str, int]:
        rows = await self._client.rows(statement.format_map(self._names), runs=[*run_ids])
        return {run_id: int(parts) for run_id, parts in rows}

    async def missing(self) -> int:
        """Count the parts of all runs not cancelled that are neither written nor dead.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        return int(await self._client.value(PARTS_MISSING.format_map(self._names)))

    async def image_buckets(self) -> frozenset[str]:
        """Return the buckets of all observations that were ever enqueued.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        rows = await self._client.rows(IMAGE_BUCKETS.format_map(self._names))
        return frozenset(bucket for (bucket,) in rows)


def _batches(part_keys: Sequence[str]) -> Iterator[list[str]]:
    keys = iter(dict.fromkeys(part_keys))
    while batch := list(islice(keys, KEYS_A_QUERY)):
        yield batch


def ledger_names(place: BigQueryPlace) -> dict[str, str]:
    """Return the quoted names of all ledgers and views, including the views over all vectors."""
    return {**place.names(), **{name: place.table(name) for name in OVER_ALL_VECTORS}}
