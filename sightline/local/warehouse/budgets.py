"""Budgets in the local warehouse: appended events, and sums over them and over the spending."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from sightline.local.warehouse.engine import DuckDbEngine, EngineOptions, Session, moment_of
from sightline.local.warehouse.ledgers import WORKER_OPTIONS, attach_results
from sightline.local.warehouse.views import attach, attach_embeddings
from sightline.model import AnswerPart, Part
from sightline.ports import (
    Amount,
    BudgetEvent,
    BudgetState,
    CallHistory,
    UnspentReservation,
)
from sightline.records import (
    BUDGET_COLUMNS,
    CALL_COLUMNS,
    budget_event,
    budget_state,
    call_history,
)
from sightline.schema import BUDGET_EVENTS, CLASSIFICATIONS, RUNS, WORK_ITEMS

BUDGETS_OF_RUNS = f"""
SELECT {BUDGET_COLUMNS}, epoch_us(last_event_at)
FROM budgets_current WHERE $run_id IS NULL OR run_id = $run_id
"""  # noqa: S608 - a constant

# A call paid twice wrote two rows of one part, both of which count; a repeated row counts once.
PAID_BY_WORKERS = """
CREATE TABLE paid AS
SELECT DISTINCT worker_id, subject_id, part_key, attempt, written_at, cost_usd_micros
FROM (
  SELECT worker_id, subject_id, part_key, attempt, written_at, cost_usd_micros, run_id
  FROM classifications
  UNION ALL
  SELECT worker_id, subject_id, part_key, attempt, written_at, cost_usd_micros, run_id
  FROM embeddings_rows)
WHERE run_id = $run_id
UNION ALL
SELECT DISTINCT worker_id, subject_id, event_id, NULL, NULL, cost_usd_micros
FROM dead_letters WHERE run_id = $run_id
"""

SPENT_BY_WORKERS = """
CREATE TABLE spent AS
SELECT cost.worker_id, cost.cost_usd_micros, coalesce(seen.images, 0) AS images
FROM (
  SELECT worker_id, sum(cost_usd_micros)::BIGINT AS cost_usd_micros FROM paid GROUP BY worker_id
) AS cost
LEFT JOIN (
  SELECT worker_id, sum(coalesce(listed.images, 1))::BIGINT AS images
  FROM (SELECT DISTINCT worker_id, subject_id FROM paid WHERE subject_id <> '') AS subjects
  LEFT JOIN (
    SELECT subject_id, max(json_array_length(observations)) AS images
    FROM work_items WHERE run_id = $run_id GROUP BY subject_id
  ) AS listed ON listed.subject_id = subjects.subject_id
  GROUP BY worker_id
) AS seen ON seen.worker_id IS NOT DISTINCT FROM cost.worker_id
"""

HELD_BY_WORKERS = """
SELECT held.worker_id, held.last_event_id, epoch_us(held.last_at),
  greatest(held.cost_usd_micros - coalesce(spent.cost_usd_micros, 0), 0),
  greatest(held.images - coalesce(spent.images, 0), 0)
FROM (
  SELECT worker_id,
    arg_max(event_id, (events.at, event_id)) AS last_event_id,
    max(events.at) AS last_at,
    sum(CASE event WHEN 'released' THEN 0 - cost_usd_micros ELSE cost_usd_micros END)::BIGINT
      AS cost_usd_micros,
    sum(CASE event WHEN 'released' THEN 0 - images ELSE images END)::BIGINT AS images
  FROM budget_events_once AS events
  WHERE run_id = $run_id AND event IN ('reserved', 'released') AND worker_id IS NOT NULL
  GROUP BY worker_id
) AS held
LEFT JOIN spent ON spent.worker_id = held.worker_id
WHERE held.cost_usd_micros > coalesce(spent.cost_usd_micros, 0)
  OR held.images > coalesce(spent.images, 0)
ORDER BY held.worker_id
"""

CALLS = f"SELECT {CALL_COLUMNS} FROM {{rows}}"  # noqa: S608 - a constant
CALLS_FOR_ANSWERS = CALLS.format(rows="classifications_all WHERE task = ? AND model = ?")
CALLS_FOR_EMBEDDINGS = CALLS.format(rows="embeddings_all WHERE model = ? AND dimension = ?")


class LocalBudgets:
    """The budgets below ``root``; several processes may record at the same time."""

    def __init__(self, root: Path, *, options: EngineOptions = WORKER_OPTIONS) -> None:
        self._engine = DuckDbEngine(root, options)

    async def record(self, events: Sequence[BudgetEvent]) -> None:
        """Append events; on return they are durable, and visible to every process.

        Raises:
            StorageError: the disk is full, read-only or missing.
        """
        rows = [budget_event(event) for event in events]
        await asyncio.to_thread(self._engine.store.append_rows, rows, BUDGET_EVENTS)

    async def states(self, run_id: str | None = None) -> Mapping[str, BudgetState]:
        """Return the budgets by run, of one run or of all."""

        def work(session: Session) -> dict[str, BudgetState]:
            attach(session, BUDGET_EVENTS)
            rows = session.connection.execute(BUDGETS_OF_RUNS, {"run_id": run_id}).fetchall()
            states = [budget_state(row, moment_of(row[-1])) for row in rows]
            return {state.run_id: state for state in states}

        return await self._engine.read(work)

    async def spent(self, run_id: str) -> Amount:
        """Return the sum that the ledgers show as spent for a run, including its dead letters."""

        def work(session: Session) -> Amount:
            _sum_up(session, run_id)
            (row,) = session.rows("SELECT sum(cost_usd_micros), sum(images) FROM spent")
            return Amount(int(row[0] or 0), int(row[1] or 0))

        return await self._engine.read(work)

    async def unspent_reservations(self, run_id: str) -> Sequence[UnspentReservation]:
        """Return the workers that reserved more than the ledgers show as spent by them."""

        def work(session: Session) -> list[UnspentReservation]:
            # Reservations first: amounts spent meanwhile then count as spent.
            attach(session, BUDGET_EVENTS)
            _sum_up(session, run_id)
            rows = session.connection.execute(HELD_BY_WORKERS, {"run_id": run_id}).fetchall()
            return [
                UnspentReservation(worker, event_id, moment_of(at_us), Amount(cost, images))
                for worker, event_id, at_us, cost, images in rows
            ]

        return await self._engine.read(work)

    async def history(self, part: Part) -> CallHistory:
        """Return the costs so far of calls for this task and model, or for this embedding."""

        def work(session: Session) -> CallHistory:
            if isinstance(part, AnswerPart):
                attach(session, CLASSIFICATIONS)
                (row,) = session.rows(CALLS_FOR_ANSWERS, (part.task, part.model))
            else:
                attach_embeddings(session)
                (row,) = session.rows(CALLS_FOR_EMBEDDINGS, (part.model, part.dimension))
            return call_history(row)

        return await self._engine.read(work)


def _sum_up(session: Session, run_id: str) -> None:
    """Create the table ``spent``: the spending of each worker for a run."""
    attach(session, RUNS, WORK_ITEMS)
    attach_results(session)
    parameters = {"run_id": run_id}
    session.connection.execute(PAID_BY_WORKERS, parameters)
    session.connection.execute(SPENT_BY_WORKERS, parameters)
