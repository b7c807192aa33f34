"""Reads the balance of a run, the state of every part of its work list, in one statement.

A statement reads all its tables as of one moment, so it raises no false alarm while producers and
workers continue. Pub/Sub messages cannot be listed: a published part that is in no ledger is
``queued``, and no part is reported as lost. ``read_lost`` yields the parts that are lost if the
backlog is empty.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.ledgers import ALL_SETTLED, ledger_names
from sightline.model import Balance, WorkItem
from sightline.ports.runs import unknown_run
from sightline.work_lists import work_item

PARTS_LISTED = """
SELECT part_key, LOGICAL_OR(published.bucket IS NOT NULL) AS published
FROM {work_items} AS items
CROSS JOIN UNNEST(items.part_keys) AS part_key
LEFT JOIN {ranges_published} AS published
  ON published.run_id = items.run_id AND published.bucket = items.bucket
  AND items.seq >= published.start AND items.seq < published.stop
WHERE items.run_id = @run
GROUP BY part_key
"""

# ``IN`` and not a join: the emulator compares every row of a join with every other row.
# The first condition that holds gives the state.
PARTS_IN_THEIR_STATE = f"""
SELECT
  CASE
    WHEN part_key IN (
      SELECT part_key FROM {{classifications}} UNION ALL SELECT part_key FROM {{embeddings_rows}})
    THEN 'written'
    WHEN part_key IN (
      SELECT part_key FROM {{dead_letters_latest}}
      WHERE event <> 'replayed' AND part_key IS NOT NULL) THEN 'dead'
    WHEN @run IN (SELECT run_id FROM {{run_events}} WHERE event = 'cancelled') THEN 'cancelled'
    WHEN NOT published THEN 'to_publish'
    ELSE 'queued'
  END AS state
FROM ({PARTS_LISTED})
"""  # noqa: S608 - a constant

PARTS_TWICE = """
SELECT part_key FROM (
  SELECT part_key FROM {classifications_all} UNION ALL SELECT part_key FROM {embeddings_all})
WHERE part_key IN (
  SELECT part_key FROM {work_items} AS items CROSS JOIN UNNEST(items.part_keys) AS part_key
  WHERE items.run_id = @run)
GROUP BY part_key
HAVING COUNT(*) > 1
"""

BALANCE = f"""
SELECT
  (SELECT parts FROM {{runs_once}} WHERE run_id = @run),
  COUNTIF(state = 'written'), COUNTIF(state = 'dead'), COUNTIF(state = 'queued'),
  COUNTIF(state = 'to_publish'), COUNTIF(state = 'cancelled'),
  (SELECT COUNT(*) FROM ({PARTS_TWICE}))
FROM ({PARTS_IN_THEIR_STATE})
"""  # noqa: S608 - a constant

STATE_OF_A_RUN = "SELECT state FROM {runs_current} WHERE run_id = @run"

# Unordered: a work list may be too large for BigQuery to sort, which it does on one worker.
ITEMS_UNSETTLED = f"""
SELECT listed.bucket, listed.seq, ANY_VALUE(listed.subject_id),
  ANY_VALUE(TO_JSON_STRING(listed.observations)), ANY_VALUE(TO_JSON_STRING(listed.parts)),
  ARRAY_AGG(DISTINCT part_key)
FROM {{work_items}} AS listed
CROSS JOIN UNNEST(listed.part_keys) AS part_key
JOIN {{ranges_published}} AS published
  ON published.run_id = listed.run_id AND published.bucket = listed.bucket
  AND listed.seq >= published.start AND listed.seq < published.stop
WHERE listed.run_id = @run AND part_key NOT IN (SELECT part_key FROM ({ALL_SETTLED}))
GROUP BY listed.bucket, listed.seq
"""  # noqa: S608 - a constant


async def read_balance(client: BigQueryClient, run_id: str) -> Balance:
    """Return the balance of a run.

    Raises:
        NotFoundError: the run does not exist.
    """
    (row,) = await client.rows(_named(client, BALANCE), run=run_id)
    parts, written, dead, queued, to_publish, cancelled, duplicates = row
    if parts is None:
        raise unknown_run(run_id)
    return Balance(
        run_id=run_id,
        parts=parts,
        written=written,
        dead=dead,
        queued=queued,
        to_publish=to_publish,
        cancelled=cancelled,
        lost=0,
        awaiting_ack=0,
        duplicates=duplicates,
    )


async def read_lost(
    client: BigQueryClient, run_id: str, *, page_items: int
) -> AsyncIterator[list[WorkItem]]:
    """Yield, page by page, the published items with parts that are neither written nor dead.

    Each item has only those parts.

    Raises:
        NotFoundError: the run does not exist.
    """
    state = await client.rows(_named(client, STATE_OF_A_RUN), run=run_id)
    if not state:
        raise unknown_run(run_id)
    if state[0][0] == "cancelled":
        return
    statement = _named(client, ITEMS_UNSETTLED)
    async for page in client.pages(statement, page_rows=page_items, run=run_id):
        for start in range(0, len(page), page_items):  # a server may send more than requested
            yield [_item(run_id, row) for row in page[start : start + page_items]]


def _named(client: BigQueryClient, statement: str) -> str:
    return statement.format_map(ledger_names(client.place))


def _item(run_id: str, row: tuple[Any, ...]) -> WorkItem:
    bucket, seq, subject_id, observations, parts, part_keys = row
    item = work_item(run_id, (bucket, seq, subject_id, observations, parts))
    keys = frozenset(part_keys)
    return replace(item, parts=tuple(part for part in item.parts if part.key(subject_id) in keys))
