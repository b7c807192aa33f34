"""Compares the ledgers of a dataset with each other, to find runs and tasks that one of them lost.

A cloud queue can be rewound and a table restored, and neither can store a marker for the other.
Nothing is therefore compared with the queue. Instead, workers look into the ledgers before they
call a model, if a first delivery may be a repeated one (``worker.messages.lookup``).
"""

from __future__ import annotations

import asyncio
from typing import Any

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.ledgers import ledger_names
from sightline.ports.consistency import WORK_LISTS, faults_of_runs, faults_of_tasks
from sightline.schema import RUNS, TASK_VERSIONS, Ledger
from sightline.work_lists import tasks_of

# An unreadable message may come from any publisher: its dead letter does not prove a run.
RUNS_UNKNOWN = f"""
SELECT place, run_id FROM (
  SELECT DISTINCT 'classifications' AS place, run_id FROM {{classifications}}
  UNION ALL
  SELECT DISTINCT 'embeddings', run_id FROM {{embeddings_rows}}
  UNION ALL
  SELECT DISTINCT 'dead_letters', run_id FROM {{dead_letters}} WHERE reason <> 'bad_message'
  UNION ALL
  SELECT DISTINCT 'run_events', run_id FROM {{run_events}}
  UNION ALL
  SELECT DISTINCT '{WORK_LISTS}', run_id FROM {{work_items}})
WHERE run_id IS NOT NULL AND run_id NOT IN (SELECT run_id FROM {{runs}})
"""  # noqa: S608 - a constant

TASKS_ANSWERED = "SELECT DISTINCT fingerprint, task FROM {classifications}"

TASKS_KNOWN = "SELECT DISTINCT fingerprint FROM {task_versions}"

ANY_RUN = "SELECT run_id FROM {runs} LIMIT 1"

REQUESTS = "SELECT DISTINCT TO_JSON_STRING(request) FROM {runs}"


async def unknown_runs(client: BigQueryClient) -> list[str]:
    """Return a line for the runs that other ledgers mention and that ``runs`` lacks."""
    seen: dict[str, set[str]] = {}
    statement = RUNS_UNKNOWN.format_map(ledger_names(client.place))
    for place, run_id in await client.rows(statement):
        seen.setdefault(place, set()).add(run_id)
    return faults_of_runs(seen, (), _restored(client, RUNS))


def _restored(client: BigQueryClient, ledger: Ledger) -> str:
    table = client.place.table(ledger.name).strip("`")
    return f"restore the table {table} (BigQuery keeps its last seven days)"


class BigQueryConsistency:
    """Compares the ledgers of the client's dataset."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client
        self._names = ledger_names(client.place)

    @property
    def notices_restores(self) -> bool:
        """Whether a restored queue or warehouse is noticed: never, in the cloud."""
        return False

    async def faults(self, *, thorough: bool) -> list[str]:
        """Return the runs and tasks that are used but missing from their ledgers, a line each.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        if not thorough and await self._rows(ANY_RUN):
            return []
        runs, answered, requests, known = await asyncio.gather(
            unknown_runs(self._client),
            self._rows(TASKS_ANSWERED),
            self._rows(REQUESTS),
            self._rows(TASKS_KNOWN),
        )
        used = {**tasks_of(request for (request,) in requests), **dict(answered)}
        stored = {fingerprint for (fingerprint,) in known}
        return [*runs, *faults_of_tasks(used, stored, _restored(self._client, TASK_VERSIONS))]

    async def begin(self) -> None:
        """Do nothing: neither half can store a marker that reveals a restore of the other."""

    async def accept(self) -> int:
        """Return 0: messages in the cloud cannot be changed."""
        return 0

    async def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return await self._client.rows(statement.format_map(self._names))
