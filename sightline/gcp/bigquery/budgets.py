"""Stores budgets in BigQuery: appends events, and sums events and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.ledgers import ledger_names
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
from sightline.schema import BUDGET_EVENTS

BUDGETS_OF_RUNS = f"""
SELECT {BUDGET_COLUMNS}, last_event_at FROM {{budgets_current}}{{condition}}
"""  # noqa: S608 - a constant

# Two calls for one part wrote two different rows, and both cost money; a repeated append did not.
PAID = """
SELECT DISTINCT worker_id, subject_id, part_key, attempt, written_at, cost_usd_micros
FROM (
  SELECT worker_id, subject_id, part_key, attempt, written_at, cost_usd_micros
  FROM {classifications} WHERE run_id = @run
  UNION ALL
  SELECT worker_id, subject_id, part_key, attempt, written_at, cost_usd_micros
  FROM {embeddings_rows} WHERE run_id = @run)
UNION ALL
SELECT DISTINCT worker_id, subject_id, event_id, CAST(NULL AS INT64), CAST(NULL AS TIMESTAMP),
  cost_usd_micros
FROM {dead_letters} WHERE run_id = @run
"""

LISTED = """
SELECT subject_id, MAX(ARRAY_LENGTH(JSON_EXTRACT_ARRAY(TO_JSON_STRING(observations)))) AS images
FROM {work_items} WHERE run_id = @run GROUP BY subject_id
"""

SPENT_BY_WORKERS = f"""
SELECT cost.worker_id, cost.cost_usd_micros, COALESCE(seen.images, 0) AS images
FROM (
  SELECT worker_id, SUM(COALESCE(cost_usd_micros, 0)) AS cost_usd_micros
  FROM ({PAID}) AS paid GROUP BY worker_id
) AS cost
LEFT JOIN (
  SELECT subjects.worker_id, SUM(COALESCE(listed.images, 1)) AS images
  FROM (
    SELECT DISTINCT worker_id, subject_id FROM ({PAID}) AS paid WHERE subject_id <> ''
  ) AS subjects
  LEFT JOIN ({LISTED}) AS listed ON listed.subject_id = subjects.subject_id
  GROUP BY subjects.worker_id
) AS seen ON seen.worker_id = cost.worker_id
"""  # noqa: S608 - constants

SPENT = f"SELECT SUM(cost_usd_micros), SUM(images) FROM ({SPENT_BY_WORKERS}) AS spent"  # noqa: S608

HELD_BY_WORKERS = f"""
SELECT held.worker_id, last.event_id, held.last_at,
  GREATEST(held.cost_usd_micros - COALESCE(spent.cost_usd_micros, 0), 0),
  GREATEST(held.images - COALESCE(spent.images, 0), 0)
FROM (
  SELECT worker_id, MAX(events.at) AS last_at,
    SUM(CASE event WHEN 'released' THEN 0 - cost_usd_micros ELSE cost_usd_micros END)
      AS cost_usd_micros,
    SUM(CASE event WHEN 'released' THEN 0 - images ELSE images END) AS images
  FROM {{budget_events_once}} AS events
  WHERE run_id = @run AND event IN ('reserved', 'released') AND worker_id IS NOT NULL
  GROUP BY worker_id
) AS held
JOIN (
  SELECT worker_id, event_id FROM {{budget_events_once}} AS events
  WHERE run_id = @run AND event IN ('reserved', 'released') AND worker_id IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY worker_id ORDER BY events.at DESC, event_id DESC) = 1
) AS last ON last.worker_id = held.worker_id
LEFT JOIN ({SPENT_BY_WORKERS}) AS spent ON spent.worker_id = held.worker_id
WHERE held.cost_usd_micros > COALESCE(spent.cost_usd_micros, 0)
  OR held.images > COALESCE(spent.images, 0)
ORDER BY held.worker_id
"""  # noqa: S608 - constants

CALLS = f"SELECT {CALL_COLUMNS} FROM {{rows}}"  # noqa: S608 - a constant
CALLS_FOR_ANSWERS = CALLS.format(rows="{classifications} WHERE task = @task AND model = @model")
CALLS_FOR_EMBEDDINGS = CALLS.format(
    rows="{embeddings_rows} WHERE model = @model AND dimension = @dimension"
)


class BigQueryBudgets:
    """The budgets of a dataset. Queries see an append when it returns, which budgets rely on."""

    def __init__(self, client: BigQueryClient, appender: LedgerAppender) -> None:
        self._client = client
        self._appender = appender
        self._names = ledger_names(client.place)

    async def record(self, events: Sequence[BudgetEvent]) -> None:
        """Append events; durable and visible to every process when the call returns."""
        await self._appender.append(BUDGET_EVENTS, [budget_event(event) for event in events])

    async def states(self, run_id: str | None = None) -> Mapping[str, BudgetState]:
        """Return the budgets by run, of one run or of all."""
        values = {} if run_id is None else {"run": run_id}
        condition = " WHERE run_id = @run" if values else ""
        statement = BUDGETS_OF_RUNS.format(**self._names, condition=condition)
        states = [
            budget_state(row, row[-1]) for row in await self._client.rows(statement, **values)
        ]
        return {state.run_id: state for state in states}

    async def spent(self, run_id: str) -> Amount:
        """Return the amount spent on a run according to the ledgers, including dead letters."""
        ((cost, images),) = await self._client.rows(SPENT.format(**self._names), run=run_id)
        return Amount(int(cost or 0), int(images or 0))

    async def unspent_reservations(self, run_id: str) -> Sequence[UnspentReservation]:
        """Return the workers that reserved more than they spent, according to the ledgers."""
        rows = await self._client.rows(HELD_BY_WORKERS.format(**self._names), run=run_id)
        return [
            UnspentReservation(worker, event_id, last, Amount(int(cost), int(images)))
            for worker, event_id, last, cost, images in rows
        ]

    async def history(self, part: Part) -> CallHistory:
        """Return the costs of past calls for this task and model, or for this embedding."""
        if isinstance(part, AnswerPart):
            statement = CALLS_FOR_ANSWERS.format(**self._names)
            (row,) = await self._client.rows(statement, task=part.task, model=part.model)
        else:
            statement = CALLS_FOR_EMBEDDINGS.format(**self._names)
            (row,) = await self._client.rows(statement, model=part.model, dimension=part.dimension)
        return call_history(row)
