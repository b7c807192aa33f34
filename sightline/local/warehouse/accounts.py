"""The accounts of all runs in one pass, with the same states that ``balance`` returns for one run.

The order of reads is that of ``balance``: work lists and published ranges, then the queue, then the
ledgers, and last the cancelled runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import orjson
import pyarrow as pa

from sightline.errors import PermanentError
from sightline.local.warehouse.balance import BATCH, READINGS, QueuedBodies
from sightline.local.warehouse.digest import Digest
from sightline.local.warehouse.engine import Session, moment_of
from sightline.model import Balance, Run
from sightline.ports import Amount, Overview, RunAccount, RunCost
from sightline.records import run_cost
from sightline.schema import BUDGET_EVENTS
from sightline.wire import parts_from_json

STATES = ("written", "dead", "queued", "cancelled", "to_publish", "lost")

RANGES_PUBLISHED = """
CREATE OR REPLACE TABLE ranges AS
SELECT DISTINCT run_id, bucket, start, stop FROM digest_events WHERE event = 'range_published'
"""

# If every item of a run is published, its ranges need not be read.
PARTS_LISTED = """
CREATE OR REPLACE TABLE listed AS
WITH whole AS (
  SELECT ranges.run_id FROM ranges JOIN asked USING (run_id)
  GROUP BY ranges.run_id HAVING sum(stop - start) = max(asked.messages))
SELECT run_id, key, true AS published FROM digest_listed WHERE run_id IN (FROM whole)
UNION ALL
SELECT items.run_id, items.key, bool_or(ranges.bucket IS NOT NULL) AS published
FROM digest_listed AS items
LEFT JOIN ranges
  ON ranges.run_id = items.run_id AND ranges.bucket = items.bucket
  AND items.seq >= ranges.start AND items.seq < ranges.stop
WHERE items.run_id NOT IN (FROM whole)
GROUP BY items.run_id, items.key
"""

RUNS_ONCE = """
CREATE OR REPLACE TABLE asked AS
SELECT * FROM digest_runs
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY created_us) = 1
"""

PARTS_QUEUED = "CREATE OR REPLACE TABLE queued (run_id VARCHAR, key UUID)"

QUEUED_BATCH = "INSERT INTO queued SELECT run_id, md5(part_key)::UUID FROM queued_batch"

PARTS_WRITTEN = """
CREATE OR REPLACE TABLE written AS
SELECT key, count(*) AS rows, min(ledger) <> max(ledger) AS doubled FROM digest_results GROUP BY key
"""

LETTERS_LATEST = """
CREATE OR REPLACE TABLE letters AS
SELECT * FROM digest_letters
WHERE event IN ('dead', 'replayed', 'purged')
QUALIFY row_number() OVER (
  PARTITION BY key
  ORDER BY at_us DESC,
    CASE event WHEN 'purged' THEN 2 WHEN 'replayed' THEN 1 ELSE 0 END DESC,
    event_id DESC) = 1
"""

# A part that was written after all (its message was delivered twice) is not dead.
DEAD_BY_REASON = """
SELECT reason, count(*) FROM letters
WHERE event = 'dead' AND NOT EXISTS (SELECT 1 FROM written WHERE written.key = letters.key)
GROUP BY reason ORDER BY reason
"""

# A part's state is the first that matches.
PARTS_BY_STATE = """
SELECT listed.run_id,
  CASE
    WHEN written.key IS NOT NULL THEN 'written'
    WHEN dead.key IS NOT NULL THEN 'dead'
    WHEN queued.key IS NOT NULL THEN 'queued'
    WHEN listed.run_id IN (SELECT run_id FROM digest_events WHERE event = 'cancelled')
      THEN 'cancelled'
    WHEN NOT listed.published THEN 'to_publish'
    ELSE 'lost'
  END AS state,
  count(*),
  count(*) FILTER (WHERE written.key IS NOT NULL AND queued.key IS NOT NULL),
  count(*) FILTER (WHERE written.doubled)
FROM listed
LEFT JOIN written ON written.key = listed.key
LEFT JOIN (SELECT key FROM letters WHERE event <> 'replayed' AND key IS NOT NULL) AS dead
  ON dead.key = listed.key
LEFT JOIN (SELECT DISTINCT run_id, key FROM queued) AS queued
  ON queued.run_id = listed.run_id AND queued.key = listed.key
GROUP BY ALL
"""

# A call paid twice wrote two rows of one part, both of which count; a repeated row counts once.
COSTS = """
SELECT run_id, sum(input_tokens), sum(output_tokens), sum(cost_usd_micros) FROM (
  SELECT run_id, input_tokens, output_tokens, cost_usd_micros FROM ({paid})
  UNION ALL
  SELECT DISTINCT ON (event_id, run_id) run_id, input_tokens, output_tokens, cost_usd_micros
  FROM digest_letters)
GROUP BY run_id
"""

EACH_PAYMENT = "SELECT DISTINCT ON (run_id, payment) * FROM digest_results"

IMAGES_SENT = """
SELECT sent.run_id, sum(coalesce(assets.images, 1))::BIGINT
FROM (
  SELECT run_id, worker_id, subject_id FROM digest_results
  UNION
  SELECT run_id, worker_id, subject_id FROM digest_letters) AS sent
LEFT JOIN (
  SELECT run_id, subject_id, max(images) AS images FROM digest_assets GROUP BY ALL) AS assets
  ON assets.run_id = sent.run_id AND assets.subject_id = sent.subject_id
WHERE sent.subject_id <> '' AND sent.run_id IN (
  SELECT run_id FROM budget_events WHERE event = 'set')
GROUP BY sent.run_id
"""

RUNS_WITH_A_BUDGET = "SELECT DISTINCT run_id FROM budget_events WHERE event = 'set'"


RUNS_NEWEST_FIRST = """
SELECT asked.run_id, created_us,
  CASE
    WHEN asked.run_id IN (SELECT run_id FROM digest_events WHERE event = 'cancelled')
    THEN 'cancelled'
    WHEN coalesce(done.items, 0) >= messages THEN 'published'
    ELSE 'open'
  END,
  messages, parts, request
FROM asked
LEFT JOIN (SELECT run_id, sum(stop - start) AS items FROM ranges GROUP BY run_id) AS done
  ON done.run_id = asked.run_id
ORDER BY created_us DESC, asked.run_id DESC
"""


def read_overview(session: Session, digest: Digest, queued_bodies: QueuedBodies | None) -> Overview:
    """Return the accounts of all runs, the newest first.

    If a part seems lost, everything is read again, as in ``balance``. Without ``queued_bodies``
    (the queue cannot be inspected), published and unsettled parts count as queued.
    """
    for turn in range(1, READINGS + 1):
        balances = _balances(session, digest, queued_bodies)
        any_lost = any(balance["lost"] for balance in balances.values())
        if queued_bodies is None or turn == READINGS or not any_lost:
            break
    costs = _costs(session)
    spent = _spent(session, costs)
    return Overview(
        tuple(
            RunAccount(
                Run(run_id, moment_of(created_us), state, messages, parts, request),
                Balance(**balances[run_id]),
                costs.get(run_id, RunCost(0, 0, 0)),
                spent.get(run_id),
            )
            for run_id, created_us, state, messages, parts, request in session.rows(
                RUNS_NEWEST_FIRST
            )
        ),
        dict(session.rows(DEAD_BY_REASON)),
    )


def _balances(
    session: Session, digest: Digest, queued_bodies: QueuedBodies | None
) -> dict[str, dict[str, Any]]:
    digest.read_lists()
    session.sql(RUNS_ONCE)
    session.sql(RANGES_PUBLISHED)
    session.sql(PARTS_LISTED)
    _read_queue(session, queued_bodies(None) if queued_bodies else ())
    digest.read_results()
    digest.read_events()
    session.sql(PARTS_WRITTEN)
    session.sql(LETTERS_LATEST)
    balances: dict[str, dict[str, Any]] = {
        run_id: {
            "run_id": run_id, "parts": parts, **dict.fromkeys(STATES, 0), "awaiting_ack": 0,
            "duplicates": 0,
        }
        for run_id, parts in session.rows("SELECT run_id, parts FROM asked")
    }  # fmt: skip
    unseen = {} if queued_bodies else {"lost": "queued"}
    for run_id, state, parts, unacked, doubled in session.rows(PARTS_BY_STATE):
        balances[run_id][unseen.get(state, state)] += parts
        balances[run_id]["awaiting_ack"] += unacked
        balances[run_id]["duplicates"] += doubled
    return balances


def _costs(session: Session) -> dict[str, RunCost]:
    repeated = session.number("SELECT count(*) FROM written WHERE rows > 1")
    paid = EACH_PAYMENT if repeated else "FROM digest_results"
    return {run_id: run_cost(sums) for run_id, *sums in session.rows(COSTS.format(paid=paid))}


def _spent(session: Session, costs: Mapping[str, RunCost]) -> dict[str, Amount]:
    session.attach(BUDGET_EVENTS)
    limited = [run_id for (run_id,) in session.rows(RUNS_WITH_A_BUDGET)]
    if not limited:
        return {}
    images = dict(session.rows(IMAGES_SENT))
    return {
        run_id: Amount(
            costs[run_id].cost_usd_micros if run_id in costs else 0, images.get(run_id, 0)
        )
        for run_id in limited
    }


def _read_queue(session: Session, bodies: Iterable[bytes]) -> None:
    """Fill the table of queued parts, in batches, so that memory does not grow with the queue."""
    session.sql(PARTS_QUEUED)
    parts = _parts(bodies)
    while batch := list(islice(parts, BATCH)):
        runs, keys = zip(*batch, strict=True)
        session.connection.register(
            "queued_batch", pa.table({"run_id": pa.array(runs), "part_key": pa.array(keys)})
        )
        session.sql(QUEUED_BATCH)
        session.connection.unregister("queued_batch")


def _parts(bodies: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for body in bodies:
        try:
            raw = orjson.loads(body)
            run_id, subject_id, parts = raw["run_id"], raw["subject_id"], raw["parts"]
            yield from ((run_id, part.key(subject_id)) for part in parts_from_json(parts))
        except (orjson.JSONDecodeError, PermanentError, KeyError, TypeError):
            continue  # such a message becomes a dead letter with its own key
