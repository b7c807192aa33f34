"""Runs for the people who manage them: state, balance, cost, and the tasks used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from sightline.gcp.bigquery.accounts import read_accounts
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.balance import read_balance, read_lost
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.dead_letters import CURRENT_DEAD_LETTERS
from sightline.gcp.bigquery.ledgers import ledger_names
from sightline.gcp.bigquery.task_views import put_task_view
from sightline.model import Balance, Run, WorkItem
from sightline.ports import Overview, RunCost
from sightline.ports.runs import unknown_run
from sightline.records import run_cancelled, run_cost, task_version
from sightline.schema import RUN_EVENTS, TASK_VERSIONS
from sightline.tasks import TaskSpec

RUNS_NEWEST_FIRST = """
SELECT run_id, created_at, state, messages, parts, TO_JSON_STRING(request)
FROM {runs_current} ORDER BY created_at DESC, run_id DESC
"""

# Two calls for one part wrote two different rows, and both cost money; a repeated append did not.
COST_OF_A_RUN = """
SELECT SUM(input_tokens), SUM(output_tokens), SUM(cost_usd_micros) FROM (
  SELECT DISTINCT part_key, worker_id, attempt, written_at,
    input_tokens, output_tokens, cost_usd_micros
  FROM (
    SELECT part_key, worker_id, attempt, written_at,
      input_tokens, output_tokens, cost_usd_micros
    FROM {classifications} WHERE run_id = @run
    UNION ALL
    SELECT part_key, worker_id, attempt, written_at,
      input_tokens, output_tokens, cost_usd_micros
    FROM {embeddings_rows} WHERE run_id = @run)
  UNION ALL
  SELECT DISTINCT event_id, CAST(NULL AS STRING), CAST(NULL AS INT64), CAST(NULL AS TIMESTAMP),
    input_tokens, output_tokens, cost_usd_micros
  FROM {dead_letters} WHERE run_id = @run)
"""

DEAD_BY_REASON = f"""
SELECT reason, COUNT(*) FROM ({CURRENT_DEAD_LETTERS}) AS dead
WHERE true{{condition}}
GROUP BY reason ORDER BY reason
"""  # noqa: S608 - a constant

ACTIVE_VERSION = """
SELECT active.fingerprint, active.at FROM {tasks_active} AS active WHERE active.task = @task
"""


class BigQueryRuns:
    """The runs of a dataset; ``appender`` writes their events."""

    def __init__(self, client: BigQueryClient, appender: LedgerAppender) -> None:
        self._client = client
        self._appender = appender
        self._names = ledger_names(client.place)

    async def runs(self) -> Sequence[Run]:
        """Return all runs, newest first."""
        return [Run(*row) for row in await self._client.rows(self._named(RUNS_NEWEST_FIRST))]

    async def balance(self, run_id: str) -> Balance:
        """Count a run's parts by state; published parts that are not settled are ``queued``.

        Raises:
            NotFoundError: the run does not exist.
        """
        return await read_balance(self._client, run_id)

    async def overview(self, *, from_ledgers: bool) -> Overview:  # noqa: ARG002 - the port's
        """Return the accounts of all runs, with a fixed number of statements; nothing is cached."""
        accounts = await read_accounts(self._client, await self.runs())
        return Overview(tuple(accounts), await self.dead_by_reason())

    def lost(self, run_id: str, *, page_items: int) -> AsyncIterator[Sequence[WorkItem]]:
        """Yield, page by page, the published items with parts that are neither written nor dead.

        Each item has only those parts. They are lost only if the backlog is empty and no message is
        in flight.

        Raises:
            NotFoundError: the run does not exist.
        """
        return read_lost(self._client, run_id, page_items=page_items)

    async def cancel(self, run_id: str, *, now: datetime) -> None:
        """Record that a run is cancelled.

        Raises:
            NotFoundError: the run does not exist.
        """
        if all(run.run_id != run_id for run in await self.runs()):
            raise unknown_run(run_id)
        await self._appender.append(RUN_EVENTS, [run_cancelled(run_id, now)])

    async def dead_by_reason(self, run_id: str | None = None) -> Mapping[str, int]:
        """Count the dead letters that are neither replayed nor purged, by reason."""
        values = {} if run_id is None else {"run": run_id}
        condition = " AND dead.run_id = @run" if values else ""
        statement = DEAD_BY_REASON.format(**self._names, condition=condition)
        return dict(await self._client.rows(statement, **values))

    async def cost(self, run_id: str) -> RunCost:
        """Return the usage of a run, including repeated calls and dead letters."""
        (sums,) = await self._client.rows(self._named(COST_OF_A_RUN), run=run_id)
        return run_cost(sums)

    async def remember_task(self, task: TaskSpec, *, now: datetime) -> None:
        """Record a task's fingerprint as the active one of its name, and put its typed view.

        If two processes do this at the same time, both are recorded, and the later one is active.

        Raises:
            ConfigurationError: the task has no model yet, or was not read from a file.
        """
        active = await self._client.rows(self._named(ACTIVE_VERSION), task=task.name)
        if row := task_version(task, active[0] if active else None, now):
            await self._appender.append(TASK_VERSIONS, [row])
        # Even if it is already active: the process that recorded it may have been killed here.
        await put_task_view(self._client, task)

    def _named(self, statement: str) -> str:
        return statement.format_map(self._names)
