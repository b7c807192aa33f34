"""The account of one run: the state of every part of its work list.

The order of reads makes it correct while producers and workers continue. The work list and its
published ranges come first, so that a range published later counts as not published. The queue
comes next, so that a message settled later has its rows in a ledger, which is read later still. The
ledgers, and whether the run is cancelled, come last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

import orjson
import pyarrow as pa

from sightline.errors import PermanentError
from sightline.local.warehouse.engine import Session
from sightline.local.warehouse.ledgers import attach_results
from sightline.local.warehouse.views import attach
from sightline.model import Balance, WorkItem
from sightline.ports.runs import unknown_run
from sightline.schema import RUN_EVENTS, RUNS, WORK_ITEMS
from sightline.wire import parts_from_json
from sightline.work_lists import ITEM_COLUMNS, work_item

QueuedBodies = Callable[[str | None], Iterable[bytes]]
"""Yields the unsettled messages of one run or of all, including those of the dead-letter topic."""

BATCH = 5000
BEFORE_ALL_ITEMS = (-1, -1)
"""A position (bucket, number) before all items of a work list."""

READINGS = 3
"""How many reads must find a part lost."""

PARTS_LISTED = """
CREATE OR REPLACE TABLE listed AS
SELECT unnest(items.part_keys) AS part_key, published.bucket IS NOT NULL AS published
FROM work_items AS items
LEFT JOIN ranges_published AS published
  ON published.run_id = items.run_id AND published.bucket = items.bucket
  AND items.seq >= published.start AND items.seq < published.stop
WHERE items.run_id = ?
"""

PARTS_QUEUED = "CREATE OR REPLACE TABLE queued (part_key VARCHAR)"

PARTS_OF_THE_RUN_WRITTEN = """
CREATE OR REPLACE TABLE written AS
SELECT part_key, count(*) AS times FROM (
  SELECT part_key FROM classifications_all UNION ALL SELECT part_key FROM embeddings_all)
WHERE part_key IN (SELECT part_key FROM listed)
GROUP BY part_key
"""

# A part's state is the first that matches.
PARTS_IN_THEIR_STATE = """
CREATE OR REPLACE TABLE states AS
  SELECT
    listed.part_key,
    listed.part_key IN (SELECT part_key FROM queued) AS is_queued,
    CASE
      WHEN listed.part_key IN (SELECT part_key FROM written) THEN 'written'
      WHEN listed.part_key IN (
        SELECT part_key FROM dead_letters_latest
        WHERE event <> 'replayed' AND part_key IS NOT NULL) THEN 'dead'
      WHEN listed.part_key IN (SELECT part_key FROM queued) THEN 'queued'
      WHEN ? THEN 'cancelled'
      WHEN NOT listed.published THEN 'to_publish'
      ELSE 'lost'
    END AS state
  FROM (
    SELECT part_key, bool_or(published) AS published FROM listed GROUP BY part_key) AS listed
"""

STATES = """
SELECT state, count(*), count(*) FILTER (WHERE state = 'written' AND is_queued)
FROM states GROUP BY state
"""

ITEMS_LOST = f"""
SELECT {ITEM_COLUMNS}, lost_keys
FROM work_items JOIN (
  SELECT bucket, seq, list(part_key) AS lost_keys
  FROM (
    SELECT bucket, seq, unnest(part_keys) AS part_key FROM work_items
    WHERE run_id = $run AND (bucket, seq) > ($after_bucket, $after_seq))
  WHERE part_key IN (SELECT part_key FROM states WHERE state = 'lost')
  GROUP BY bucket, seq ORDER BY bucket, seq LIMIT $most) AS lost USING (bucket, seq)
WHERE run_id = $run
ORDER BY bucket, seq
"""  # noqa: S608 - a constant


def read_balance(session: Session, run_id: str, queued_bodies: QueuedBodies | None) -> Balance:
    """Return the parts of a run by state.

    Without ``queued_bodies`` (the queue cannot be inspected), published and unsettled parts count
    as queued, and none as lost.

    Raises:
        NotFoundError: there is no such run.
    """
    balance = _read(session, run_id, queued_bodies)
    if queued_bodies is None:
        return replace(balance, queued=balance.lost, lost=0)
    return balance


def _read(session: Session, run_id: str, queued_bodies: QueuedBodies | None) -> Balance:
    """Return a reading, repeated if it finds a lost part.

    A replayed dead letter is published first and recorded afterwards, so a reading in between may
    see it in neither place.

    Raises:
        NotFoundError: there is no such run.
    """
    for _ in range(READINGS - 1):
        balance = _read_once(session, run_id, queued_bodies)
        if queued_bodies is None or not balance.lost:
            return balance
    return _read_once(session, run_id, queued_bodies)


def _read_once(session: Session, run_id: str, queued_bodies: QueuedBodies | None) -> Balance:
    attach(session, RUNS, RUN_EVENTS, WORK_ITEMS)
    listed = session.rows("SELECT parts FROM runs_once WHERE run_id = ?", (run_id,))
    if not listed:
        raise unknown_run(run_id)
    session.sql(PARTS_LISTED, (run_id,))
    _read_queue(session, queued_bodies(run_id) if queued_bodies else ())
    attach_results(session)
    attach(session, RUN_EVENTS)
    session.sql(PARTS_OF_THE_RUN_WRITTEN)
    cancelled = session.number(
        "SELECT count(*) FROM run_events WHERE run_id = ? AND event = 'cancelled'", (run_id,)
    )
    by_state = {
        state: (parts, unacked) for state, parts, unacked in _states(session, cancelled > 0)
    }
    counts = {
        state: by_state.get(state, (0, 0))[0]
        for state in ("written", "dead", "queued", "cancelled", "to_publish", "lost")
    }
    return Balance(
        run_id=run_id,
        parts=listed[0][0],
        awaiting_ack=by_state.get("written", (0, 0))[1],
        duplicates=session.number("SELECT count(*) FROM written WHERE times > 1"),
        **counts,
    )


def read_lost(
    session: Session,
    run_id: str,
    queued_bodies: QueuedBodies | None,
    *,
    after: tuple[int, int],
    max_items: int,
) -> list[WorkItem]:
    """Return the first items after a position that have lost parts, with these parts alone.

    Raises:
        NotFoundError: there is no such run.
    """
    if not _read(session, run_id, queued_bodies).lost:
        return []
    parameters = {
        "run": run_id, "after_bucket": after[0], "after_seq": after[1], "most": max_items,
    }  # fmt: skip
    rows = session.connection.execute(ITEMS_LOST, parameters).fetchall()
    return [_only(work_item(run_id, row[:5]), frozenset(row[5])) for row in rows]


def _only(item: WorkItem, keys: frozenset[str]) -> WorkItem:
    parts = tuple(part for part in item.parts if part.key(item.subject_id) in keys)
    return replace(item, parts=parts)


def _states(session: Session, cancelled: bool) -> list[tuple[str, int, int]]:
    session.sql(PARTS_IN_THEIR_STATE, (cancelled,))
    return [(state, parts, unacked) for state, parts, unacked in session.rows(STATES)]


def _read_queue(session: Session, bodies: Iterable[bytes]) -> None:
    """Fill the table of queued parts, in batches, so that memory does not grow with the queue."""
    session.sql(PARTS_QUEUED)
    keys = _keys(bodies)
    while batch := list(islice(keys, BATCH)):
        session.connection.register("queued_batch", pa.table({"part_key": batch}))
        session.sql("INSERT INTO queued SELECT part_key FROM queued_batch")
        session.connection.unregister("queued_batch")


def _keys(bodies: Iterable[bytes]) -> Iterator[str]:
    for body in bodies:
        yield from part_keys_of(body)


def part_keys_of(body: bytes) -> tuple[str, ...]:
    """Return the keys of a message's parts; none if it names no part of any work list.

    Its observations are not checked: a message with invalid images still contains its parts.
    """
    try:
        raw = orjson.loads(body)
        subject_id, parts = raw["subject_id"], raw["parts"]
        return tuple(part.key(subject_id) for part in parts_from_json(parts))
    except (orjson.JSONDecodeError, PermanentError, KeyError, TypeError):
        return ()  # such a message becomes a dead letter with its own key
