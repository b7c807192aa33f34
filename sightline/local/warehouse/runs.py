"""Runs: their states, balance, cost, and tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sightline.local.warehouse.accounts import read_overview
from sightline.local.warehouse.balance import (
    BEFORE_ALL_ITEMS,
    QueuedBodies,
    read_balance,
    read_lost,
)
from sightline.local.warehouse.dead_letters import CURRENT_DEAD_LETTERS
from sightline.local.warehouse.digest import Digest
from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    DuckDbEngine,
    EngineOptions,
    Session,
    moment_of,
)
from sightline.local.warehouse.ledgers import attach_results
from sightline.local.warehouse.locks import lock_in_turn
from sightline.local.warehouse.remembered import remembering
from sightline.local.warehouse.views import attach
from sightline.model import Balance, Run, WorkItem
from sightline.ports import Overview, RunCost
from sightline.ports.runs import unknown_run
from sightline.records import run_cancelled, run_cost, task_version
from sightline.schema import RUN_EVENTS, RUNS, TASK_VERSIONS
from sightline.tasks import TaskSpec, stored_task

RUNS_NEWEST_FIRST = """
SELECT run_id, epoch_us(created_at), state, messages, parts, request
FROM runs_current ORDER BY created_at DESC, run_id DESC
"""

# A call paid twice wrote two rows of one part, both of which count; a repeated row counts once.
COST_OF_A_RUN = """
SELECT sum(input_tokens), sum(output_tokens), sum(cost_usd_micros) FROM (
  SELECT DISTINCT part_key, worker_id, attempt, written_at,
    input_tokens, output_tokens, cost_usd_micros
  FROM (
    SELECT part_key, worker_id, attempt, written_at,
      input_tokens, output_tokens, cost_usd_micros
    FROM classifications WHERE run_id = $run_id
    UNION ALL
    SELECT part_key, worker_id, attempt, written_at,
      input_tokens, output_tokens, cost_usd_micros
    FROM embeddings_rows WHERE run_id = $run_id)
  UNION ALL
  SELECT DISTINCT event_id, NULL, NULL, NULL, input_tokens, output_tokens, cost_usd_micros
  FROM dead_letters WHERE run_id = $run_id)
"""

DEAD_BY_REASON = f"""
SELECT reason, count(*) FROM ({CURRENT_DEAD_LETTERS}) AS dead
WHERE $run_id IS NULL OR dead.run_id = $run_id
GROUP BY reason ORDER BY reason
"""  # noqa: S608 - a constant

TASKS_KNOWN = """
SELECT task, fingerprint, model, toml, epoch_us(min(task_versions.at)),
  fingerprint IN (SELECT fingerprint FROM tasks_active AS active
    WHERE active.task = task_versions.task)
FROM task_versions GROUP BY task, fingerprint, model, toml
ORDER BY 1, 5, 2
"""


@dataclass(frozen=True, slots=True)
class TaskVersion:
    """A task at one fingerprint; ``active`` if its views show this version."""

    task: TaskSpec
    first_used_at: datetime
    active: bool


class LocalRuns:
    """The runs below ``root``.

    ``queued_bodies`` yields the unsettled messages of a run, or of all runs. Without it (the queue
    cannot be inspected), published and unsettled parts count as queued, and may be lost.
    """

    def __init__(
        self,
        root: Path,
        queued_bodies: QueuedBodies | None,
        *,
        options: EngineOptions = DEFAULT_OPTIONS,
    ) -> None:
        self._engine = DuckDbEngine(root, options)
        self._store = self._engine.store
        self._queued_bodies = queued_bodies

    async def runs(self) -> Sequence[Run]:
        """Return all runs, the newest first."""

        def work(session: Session) -> list[Run]:
            attach(session, RUNS, RUN_EVENTS)
            return [
                Run(run_id, moment_of(created), state, messages, parts, request)
                for run_id, created, state, messages, parts, request in session.rows(
                    RUNS_NEWEST_FIRST
                )
            ]

        return await self._engine.read(work)

    async def balance(self, run_id: str) -> Balance:
        """Count the parts of every run by state; reads work list, queue and ledgers, in this order.

        Raises:
            NotFoundError: there is no such run.
        """
        return await self._engine.read(
            lambda session: read_balance(session, run_id, self._queued_bodies)
        )

    async def overview(self, *, from_ledgers: bool) -> Overview:
        """Return the accounts of all runs, in one pass; see ``accounts``.

        Without ``from_ledgers``, content already read is kept beside the warehouse.
        """
        bodies = self._queued_bodies
        if not from_ledgers:
            overview = await remembering(
                self._engine, lambda session, digest: read_overview(session, digest, bodies)
            )
            if overview is not None:
                return overview
        return await self._engine.read(
            lambda session: read_overview(session, Digest(session), bodies)
        )

    async def lost(self, run_id: str, *, page_items: int) -> AsyncIterator[Sequence[WorkItem]]:
        """Yield, page by page and in order, the items with lost parts, with these parts alone.

        Each page is read when it is requested, without parts that are settled by then.

        Raises:
            NotFoundError: there is no such run.
        """
        place = BEFORE_ALL_ITEMS
        while page := await self._lost_page(run_id, place, page_items):
            yield page
            place = (page[-1].bucket, page[-1].seq)

    async def _lost_page(
        self, run_id: str, place: tuple[int, int], items: int
    ) -> Sequence[WorkItem]:
        def work(session: Session) -> Sequence[WorkItem]:
            return read_lost(session, run_id, self._queued_bodies, after=place, max_items=items)

        return await self._engine.read(work)

    async def cancel(self, run_id: str, *, now: datetime) -> None:
        """Record that a run is cancelled.

        Raises:
            NotFoundError: there is no such run.
        """
        if all(run.run_id != run_id for run in await self.runs()):
            raise unknown_run(run_id)
        row = run_cancelled(run_id, now)
        await asyncio.to_thread(self._store.append_rows, [row], RUN_EVENTS)

    async def dead_by_reason(self, run_id: str | None = None) -> Mapping[str, int]:
        """Count dead letters, not replayed and not purged, by reason."""

        def work(session: Session) -> dict[str, int]:
            attach_results(session)
            rows = session.connection.execute(DEAD_BY_REASON, {"run_id": run_id}).fetchall()
            return dict(rows)

        return await self._engine.read(work)

    async def cost(self, run_id: str) -> RunCost:
        """Return the usage of a run, including calls that were paid twice and dead letters."""

        def work(session: Session) -> RunCost:
            attach_results(session)
            (sums,) = session.connection.execute(COST_OF_A_RUN, {"run_id": run_id}).fetchall()
            return run_cost(sums)

        return await self._engine.read(work)

    async def remember_task(self, task: TaskSpec, *, now: datetime) -> None:
        """Record a task version, and make it the active one of its name.

        Raises:
            ConfigurationError: the task has no model yet, or was not read from a file.
        """
        async with lock_in_turn(self._store.root / ".tasks.lock"):
            active = await self._engine.read(lambda session: _active(session, task.name))
            if row := task_version(task, active, now):
                await asyncio.to_thread(self._store.append_rows, [row], TASK_VERSIONS)

    async def task_versions(self) -> Sequence[TaskVersion]:
        """Return all tasks at all fingerprints, by name and first use."""

        def work(session: Session) -> list[TaskVersion]:
            attach(session, TASK_VERSIONS)
            return [
                TaskVersion(stored_task(toml, model, fingerprint), moment_of(first), bool(active))
                for _, fingerprint, model, toml, first, active in session.rows(TASKS_KNOWN)
            ]

        return await self._engine.read(work)


def _active(session: Session, task: str) -> tuple[str, datetime] | None:
    attach(session, TASK_VERSIONS)
    rows = session.rows(
        "SELECT fingerprint, epoch_us(active.at) FROM tasks_active AS active WHERE task = ?",
        (task,),
    )
    return (rows[0][0], moment_of(rows[0][1])) if rows else None
