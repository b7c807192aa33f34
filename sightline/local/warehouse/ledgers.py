"""The ledgers for workers: settled parts, tasks, missing parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from sightline.local.warehouse.engine import DuckDbEngine, EngineOptions, Session
from sightline.local.warehouse.store import Store
from sightline.local.warehouse.views import attach, attach_embeddings
from sightline.schema import (
    CLASSIFICATIONS,
    DEAD_LETTERS,
    OBSERVATIONS,
    RUN_EVENTS,
    RUNS,
    TASK_VERSIONS,
    WORK_ITEMS,
    Ledger,
)
from sightline.tasks import TaskSpec, stored_task

KEYS_WRITTEN = """
SELECT part_key FROM keys WHERE part_key IN (
  SELECT part_key FROM classifications UNION ALL SELECT part_key FROM embeddings_rows)
"""

KEYS_DEAD = """
SELECT part_key FROM keys WHERE part_key IN (
  SELECT part_key FROM dead_letters_latest WHERE event <> 'replayed')
"""

RUNS_FINISHED = """
SELECT asked.run_id FROM asked
LEFT JOIN runs_once AS known USING (run_id)
LEFT JOIN (
  SELECT run_id, count(*) AS parts FROM (
    SELECT run_id FROM classifications
    UNION ALL
    SELECT run_id FROM embeddings_rows
    UNION ALL
    SELECT run_id FROM dead_letters WHERE event = 'dead')
  WHERE run_id IN (SELECT run_id FROM asked)
  GROUP BY run_id) AS done USING (run_id)
WHERE known.parts IS NULL OR coalesce(done.parts, 0) >= known.parts
"""

PARTS_OPEN = """
SELECT coalesce(sum(parts), 0) FROM runs_current WHERE state <> 'cancelled'
"""

PARTS_MISSING = """
SELECT count(*) FROM (
  SELECT DISTINCT part_key FROM (
    SELECT unnest(part_keys) AS part_key FROM work_items
    WHERE run_id IN (SELECT run_id FROM runs_current WHERE state <> 'cancelled'))
  WHERE {share}
) AS listed
ANTI JOIN (
  SELECT part_key FROM classifications WHERE {share}
  UNION ALL
  SELECT part_key FROM embeddings_rows WHERE {share}
  UNION ALL
  SELECT part_key FROM dead_letters_latest WHERE event <> 'replayed' AND {share}
) AS settled USING (part_key)
"""

PARTS_AT_A_TIME = 100_000
"""The number of parts compared at a time, so that a worker's memory does not grow with its runs."""

DIGITS = 4
"""The hexadecimal digits of a part's key by which parts are divided."""


def shares(parts: int) -> list[str]:
    """Return conditions on ``part_key`` that divide parts evenly; one matches each part."""
    count = max(1, min(-(-parts // PARTS_AT_A_TIME), 16**DIGITS))
    edges = [f"{16**DIGITS * place // count:0{DIGITS}x}" for place in range(count)]
    return [
        f"part_key >= '{low}'" + (f" AND part_key < '{high}'" if high else "")
        for low, high in zip(edges, [*edges[1:], ""], strict=True)
    ]


IMAGE_BUCKETS = """
SELECT DISTINCT split_part(gcs_uri, '/', 3) FROM observations WHERE starts_with(gcs_uri, 'gs://')
"""

WORKER_OPTIONS = EngineOptions(threads=1, memory_limit="64MB")
"""Bounds for a worker, which has little memory and queries seldom."""


class LocalLedgers:
    """Reads the ledgers below ``root``. Each call sees everything durable when it began."""

    def __init__(self, root: Path, *, options: EngineOptions = WORKER_OPTIONS) -> None:
        self._engine = DuckDbEngine(root, options)

    async def settled(self, part_keys: Sequence[str]) -> frozenset[str]:
        """Return which of the keys are written, or dead and not replayed."""
        return await self._keys(part_keys, f"{KEYS_WRITTEN} UNION {KEYS_DEAD}")

    async def written(self, part_keys: Sequence[str]) -> frozenset[str]:
        """Return the keys that are written; the lookup for replayed dead letters."""
        return await self._keys(part_keys, KEYS_WRITTEN)

    async def _keys(self, part_keys: Sequence[str], select: str) -> frozenset[str]:
        if not part_keys:
            return frozenset()

        def work(session: Session) -> frozenset[str]:
            attach_results(session)
            session.connection.register("keys", pa.table({"part_key": list(part_keys)}))
            return frozenset(key for (key,) in session.rows(select))

        return await self._engine.read(work)

    async def task_version(self, fingerprint: str) -> TaskSpec | None:
        """Return the task with this fingerprint, resolved to its model.

        Raises:
            StorageError: this version of the program interprets the task differently.
        """

        def work(session: Session) -> TaskSpec | None:
            attach(session, TASK_VERSIONS)
            rows = session.rows(
                "SELECT toml, model FROM task_versions WHERE fingerprint = ? LIMIT 1",
                (fingerprint,),
            )
            return stored_task(rows[0][0], rows[0][1], fingerprint) if rows else None

        return await self._engine.read(work)

    async def cancelled_runs(self) -> frozenset[str]:
        """Return the ids of cancelled runs."""

        def work(session: Session) -> frozenset[str]:
            attach(session, RUN_EVENTS)
            rows = session.rows("SELECT DISTINCT run_id FROM run_events WHERE event = 'cancelled'")
            return frozenset(run_id for (run_id,) in rows)

        return await self._engine.read(work)

    async def finished(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these runs have as many results and dead letters as parts."""

        def work(session: Session) -> frozenset[str]:
            attach(session, RUNS)
            attach_results(session)
            session.connection.register("asked", pa.table({"run_id": list(run_ids)}))
            return frozenset(run_id for (run_id,) in session.rows(RUNS_FINISHED))

        return await self._engine.read(work)

    async def missing(self) -> int:
        """Count parts of work lists, of all runs not cancelled, neither written nor dead."""

        def work(session: Session) -> int:
            attach(session, RUNS, RUN_EVENTS, WORK_ITEMS)
            attach_results(session)
            open_parts = session.number(PARTS_OPEN)
            return sum(
                session.number(PARTS_MISSING.format(share=share)) for share in shares(open_parts)
            )

        return await self._engine.read(work)

    async def image_buckets(self) -> frozenset[str]:
        """Return the buckets of all observations that were ever enqueued."""

        def work(session: Session) -> frozenset[str]:
            attach(session, OBSERVATIONS)
            return frozenset(bucket for (bucket,) in session.rows(IMAGE_BUCKETS))

        return await self._engine.read(work)


# An unreadable message may come from anybody: its dead letter is no evidence of a run.
RUNS_SEEN = """
SELECT DISTINCT 'classifications', run_id FROM classifications
UNION ALL
SELECT DISTINCT 'embeddings', run_id FROM embeddings_rows
UNION ALL
SELECT DISTINCT 'dead_letters', run_id FROM dead_letters WHERE reason <> 'bad_message'
UNION ALL
SELECT DISTINCT 'run_events', run_id FROM run_events
"""


def runs_seen(session: Session) -> dict[str, set[str]]:
    """Return the runs with rows, by ledger; ``runs`` itself is not read."""
    attach(session, RUN_EVENTS)
    attach_results(session)
    seen: dict[str, set[str]] = {}
    for ledger, run_id in session.rows(RUNS_SEEN):
        seen.setdefault(ledger, set()).add(run_id)
    return seen


def restored(store: Store, ledger: Ledger) -> str:
    """Return how to restore a ledger, for the end of an error message."""
    return f"put {store.folder(ledger)} back from a backup"


def attach_results(session: Session) -> None:
    """Create the views of written and dead parts."""
    attach(session, DEAD_LETTERS, CLASSIFICATIONS)
    attach_embeddings(session)
