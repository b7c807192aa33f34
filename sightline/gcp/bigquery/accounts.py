"""Reads the accounts of all runs with two statements, whatever the number of runs.

The states are the same as in ``balance`` of one run. Each statement reads its tables as of one
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.ledgers import ALL_WRITTEN, ledger_names
from sightline.model import Balance, Run
from sightline.ports import RunAccount
from sightline.records import run_cost

STATES = ("written", "dead", "queued", "cancelled", "to_publish")

PARTS_LISTED = """
SELECT items.run_id, part_key, LOGICAL_OR(published.bucket IS NOT NULL) AS published
FROM {work_items} AS items
CROSS JOIN UNNEST(items.part_keys) AS part_key
LEFT JOIN {ranges_published} AS published
  ON published.run_id = items.run_id AND published.bucket = items.bucket
  AND items.seq >= published.start AND items.seq < published.stop
GROUP BY items.run_id, part_key
"""

PARTS_TWICE = """
SELECT part_key FROM (
  SELECT part_key FROM {classifications_all} UNION ALL SELECT part_key FROM {embeddings_all})
GROUP BY part_key
HAVING COUNT(*) > 1
"""

# ``IN`` and not a join, as in ``balance``. The first condition that holds gives the state.
BALANCES = f"""
SELECT run_id, state, COUNT(*), COUNTIF(part_key IN ({PARTS_TWICE})) FROM (
  SELECT run_id, part_key,
    CASE
      WHEN part_key IN ({ALL_WRITTEN}) THEN 'written'
      WHEN part_key IN (
        SELECT part_key FROM {{dead_letters_latest}}
        WHERE event <> 'replayed' AND part_key IS NOT NULL) THEN 'dead'
      WHEN run_id IN (SELECT run_id FROM {{run_events}} WHERE event = 'cancelled') THEN 'cancelled'
      WHEN NOT published THEN 'to_publish'
      ELSE 'queued'
    END AS state
  FROM ({PARTS_LISTED}))
GROUP BY run_id, state
"""  # noqa: S608 - a constant

# Two calls for one part wrote two different rows, and both cost money; a repeated append did not.
COSTS = """
SELECT run_id, SUM(input_tokens), SUM(output_tokens), SUM(cost_usd_micros) FROM (
  SELECT DISTINCT run_id, part_key, worker_id, attempt, written_at,
    input_tokens, output_tokens, cost_usd_micros
  FROM (
    SELECT run_id, part_key, worker_id, attempt, written_at,
      input_tokens, output_tokens, cost_usd_micros
    FROM {classifications}
    UNION ALL
    SELECT run_id, part_key, worker_id, attempt, written_at,
      input_tokens, output_tokens, cost_usd_micros
    FROM {embeddings_rows})
  UNION ALL
  SELECT DISTINCT run_id, event_id, CAST(NULL AS STRING), CAST(NULL AS INT64),
    CAST(NULL AS TIMESTAMP), input_tokens, output_tokens, cost_usd_micros
  FROM {dead_letters})
GROUP BY run_id
"""


async def read_accounts(client: BigQueryClient, runs: Sequence[Run]) -> list[RunAccount]:
    """Return the accounts of these runs, without the amounts that count against budgets.

    Raises:
        TransientError, ConfigurationError: see ``sightline.gcp.failures``.
    """
    names = ledger_names(client.place)
    accounts: dict[str, dict[str, Any]] = {
        run.run_id: {"parts": run.parts, **dict.fromkeys(STATES, 0), "duplicates": 0}
        for run in runs
    }
    for run_id, state, count, twice in await client.rows(BALANCES.format_map(names)):
        if run_id in accounts:  # a killed producer leaves a work list without a run
            accounts[run_id][state] += count
            accounts[run_id]["duplicates"] += twice
    costs = {run_id: sums for run_id, *sums in await client.rows(COSTS.format_map(names))}
    return [
        RunAccount(
            run,
            Balance(run_id=run.run_id, lost=0, awaiting_ack=0, **accounts[run.run_id]),
            run_cost(costs.get(run.run_id, (0, 0, 0))),
        )
        for run in runs
    ]
