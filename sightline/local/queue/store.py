"""The steps of the queue's operations on its tables, inside the callers' transactions."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from sightline.local.marks import QueueMarks
from sightline.local.queue import statements as sql
from sightline.local.queue.connection import open_sqlite
from sightline.local.queue.failures import translated
from sightline.ports import (
    MEMORY_LASTS_S,
    Backlog,
    Delivery,
    Outgoing,
    PeerRates,
    PeerReport,
    QuotaBelief,
    Remembered,
)
from sightline.wire import RECHECK

PAGE = 1_000
"""Bodies read at a time: short reads, so that the WAL can be emptied in between."""
PURGE_PAGE = 10_000
FREE_PAGES_KEPT = 4_000
"""Free pages (16 MB) that the file keeps for future messages."""
FREE_PAGES_STEP = 1_000

REPORT_EVERY_S = 5.0
REPORTS_LAST_S = 3 * REPORT_EVERY_S
"""A worker whose report is older than this, in seconds, has ended."""

_OUR_ID = re.compile(r"[0-9]{1,18}")


def publish(
    sqlite: sqlite3.Connection, messages: Sequence[Outgoing], batch_key: str, now: float
) -> int:
    """Add a batch unless its key is known; return how many messages were added."""
    count = len(messages)
    claim = {"batch_key": batch_key, "messages": count, "now": now}
    if sqlite.execute(sql.CLAIM_BATCH_KEY, claim).rowcount == 0:
        return 0
    (first,) = sqlite.execute(sql.TAKE_IDS, {"messages": count}).fetchone()
    sqlite.executemany(
        sql.ADD_MESSAGE,
        (
            (first + i, message.attributes.get("run_id", ""), now)
            for i, message in enumerate(messages)
        ),
    )
    sqlite.executemany(
        sql.ADD_BODY,
        (
            (first + i, orjson.dumps(dict(message.attributes)).decode(), message.body)
            for i, message in enumerate(messages)
        ),
    )
    return count


def lease(
    sqlite: sqlite3.Connection, max_messages: int, *, lease_s: float, now: float, attempts: int
) -> list[Delivery]:
    """Lease ready messages in order; move those delivered ``attempts`` times aside."""
    token = secrets.token_hex(8)
    (queue_id,) = sqlite.execute(sql.READ_QUEUE_ID).fetchone()
    deliveries: list[Delivery] = []
    while len(deliveries) < max_messages:
        values = {"place": sql.QUEUE, "now": now, "max_messages": max_messages - len(deliveries)}
        rows = sqlite.execute(sql.SELECT_READY, values).fetchall()
        fresh = [row for row in rows if row[1] < attempts]
        sqlite.executemany(
            sql.MOVE_BEHIND_BACKSTOP, [{"id": row[0]} for row in rows if row[1] >= attempts]
        )
        leased = [(id_, count + 1, *rest) for id_, count, *rest in fresh]
        deliveries += _hold(sqlite, leased, f"{queue_id}-", token, lease_s=lease_s, now=now)
        if len(fresh) == len(rows):
            break
    return deliveries


def lease_behind_backstop(
    sqlite: sqlite3.Connection, max_messages: int, *, lease_s: float, now: float
) -> list[Delivery]:
    """Lease messages behind the backstop; this does not count as a delivery."""
    (queue_id,) = sqlite.execute(sql.READ_QUEUE_ID).fetchone()
    values = {"place": sql.BACKSTOP, "now": now, "max_messages": max(0, max_messages)}
    rows = sqlite.execute(sql.SELECT_READY, values).fetchall()
    return _hold(sqlite, rows, f"{queue_id}-", secrets.token_hex(8), lease_s=lease_s, now=now)


def _hold(
    sqlite: sqlite3.Connection,
    rows: Sequence[tuple[Any, ...]],
    prefix: str,
    token: str,
    *,
    lease_s: float,
    now: float,
) -> list[Delivery]:
    sqlite.executemany(
        sql.LEASE,
        [
            {"id": id_, "deliveries": attempt, "lease": token, "hold_s": lease_s, "now": now}
            for id_, attempt, *_ in rows
        ],
    )
    return [
        Delivery(
            f"{id_}.{token}",
            f"{prefix}{id_}",
            body,
            orjson.loads(attributes),
            attempt,
            max(0.0, now - published_at),
        )
        for id_, attempt, attributes, body, published_at in rows
    ]


def extend(
    sqlite: sqlite3.Connection, lease_ids: Sequence[str], *, lease_s: float, now: float
) -> frozenset[str]:
    """Extend the leases that are still held; return the ids of the others."""
    return frozenset(
        lease_id
        for lease_id, held in zip(lease_ids, _held(lease_ids, lease_s, now), strict=True)
        if sqlite.execute(sql.EXTEND, held).rowcount == 0
    )


def ack(sqlite: sqlite3.Connection, lease_ids: Sequence[str]) -> None:
    """Remove the messages whose leases are still held."""
    sqlite.executemany(sql.ACK, _held(lease_ids))


def nack(
    sqlite: sqlite3.Connection, lease_ids: Sequence[str], *, delay_s: float, now: float
) -> None:
    """Release the messages whose leases are still held, after ``delay_s`` seconds."""
    sqlite.executemany(sql.NACK, _held(lease_ids, delay_s, now))


def undo_lease(sqlite: sqlite3.Connection, lease_ids: Sequence[str], *, now: float) -> None:
    """Release messages that no caller received, as if they had not been delivered."""
    sqlite.executemany(sql.UNDO_LEASE, _held(lease_ids, now=now))


def _held(
    lease_ids: Sequence[str], hold_s: float = 0.0, now: float = 0.0
) -> Iterator[dict[str, int | float | str]]:
    for lease_id in lease_ids:
        id_, _, token = lease_id.partition(".")
        number = int(id_) if _OUR_ID.fullmatch(id_) else 0  # 0 is no lease
        yield {"id": number, "lease": token, "hold_s": hold_s, "now": now}


def take_mark(sqlite: sqlite3.Connection) -> int:
    """Take the next mark."""
    (mark,) = sqlite.execute(sql.TAKE_MARK).fetchone()
    return int(mark)


def record_durable(sqlite: sqlite3.Connection, durable: Mapping[str, int]) -> None:
    """Record the marks, by ledger, of files that are durable."""
    rows = [{"ledger": ledger, "mark": mark} for ledger, mark in durable.items()]
    sqlite.executemany(sql.RAISE_MARK, rows)


def read_marks(sqlite: sqlite3.Connection) -> QueueMarks:
    """Return the queue's state."""
    queue_id, next_id = sqlite.execute(sql.READ_USE).fetchone()
    marks = dict(sqlite.execute(sql.READ_MARKS).fetchall())
    latest = marks.pop(sql.OWN, 0)
    return QueueMarks(queue_id, unused=next_id == 1, latest=latest, durable=marks)


def accept_marks(sqlite: sqlite3.Connection, there: Mapping[str, int]) -> None:
    """Continue from the warehouse's marks, by ledger."""
    latest = max(there.values(), default=0)
    sqlite.execute(sql.RAISE_MARK, {"ledger": sql.OWN, "mark": latest})
    for ledger in read_marks(sqlite).durable:
        sqlite.execute(sql.LOWER_MARK, {"ledger": ledger, "mark": there.get(ledger, 0)})


def recheck_page(sqlite: sqlite3.Connection, after: int) -> list[int]:
    """Mark the next page of messages to be looked up before anything is paid; return their ids."""
    values = {"attribute": f"$.{RECHECK}", "after": after, "page": PURGE_PAGE}
    return [id_ for (id_,) in sqlite.execute(sql.RECHECK_AFTER, values).fetchall()]


def shorten_holds(sqlite: sqlite3.Connection, *, now: float) -> None:
    """Shorten leases and delays that end later than their own length from now (clock set back)."""
    sqlite.execute(sql.SHORTEN_HOLDS, {"now": now})


def any_held_too_long(sqlite: sqlite3.Connection, *, now: float) -> bool:
    """Return whether a lease or delay ends later than its own length from now."""
    (overdue,) = sqlite.execute(sql.ANY_HELD_TOO_LONG, {"now": now}).fetchone()
    return bool(overdue)


def count_backlog(sqlite: sqlite3.Connection, run_id: str | None, now: float) -> Backlog:
    """Count the unsettled messages of a run, or of all."""
    values = {"run_id": run_id, "now": now}
    ready, leased, oldest = sqlite.execute(sql.COUNT_BACKLOG, values).fetchone()
    return Backlog(ready, leased, None if oldest is None else max(0.0, now - oldest))


def run_ids(sqlite: sqlite3.Connection) -> frozenset[str]:
    """Return the runs that have unsettled messages, without messages that name none."""
    return frozenset(run_id for (run_id,) in sqlite.execute(sql.RUN_IDS) if run_id)


def purge_page(sqlite: sqlite3.Connection, run_id: str, after: int, now: float) -> list[int]:
    """Drop the next unleased messages of a run; return their ids."""
    values = {"run_id": run_id, "after": after, "page": PURGE_PAGE, "now": now}
    return [id_ for (id_,) in sqlite.execute(sql.PURGE_AFTER, values).fetchall()]


def make_due(sqlite: sqlite3.Connection, run_id: str, now: float) -> int:
    """Make a run's delayed messages ready now; return how many."""
    return sqlite.execute(sql.MAKE_DUE, {"run_id": run_id, "now": now}).rowcount


def read_bodies(
    sqlite: sqlite3.Connection, run_id: str | None, after: int
) -> list[tuple[int, bytes]]:
    """Return the next page of ids and bodies, in the order of their ids."""
    values = {"run_id": run_id, "after": after, "page": PAGE}
    return sqlite.execute(sql.READ_BODIES_AFTER, values).fetchall()


def stream_bodies(path: Path, run_id: str | None = None) -> Iterator[bytes]:
    """Yield the bodies of all unsettled messages of a run, or of all, in constant memory.

    For threads without an event loop; a message settled meanwhile may or may not be included.

    Raises:
        ConfigurationError, StorageError, TransientError: see ``failures.translated``.
    """
    with closing(open_sqlite(path)) as sqlite:
        after = 0
        while True:
            with translated(path):
                page = read_bodies(sqlite, run_id, after)
            if not page:
                return
            yield from (body for _, body in page)
            after = page[-1][0]


def give_back_space(sqlite: sqlite3.Connection) -> None:
    """Return some of the file's free pages to the disk, if there are many; no transaction."""
    (free,) = sqlite.execute("PRAGMA freelist_count").fetchone()
    if free > FREE_PAGES_KEPT:
        # ``execute`` would stop after one page: the statement yields one empty row per page.
        sqlite.executescript(f"PRAGMA incremental_vacuum({FREE_PAGES_STEP})")


def report_rates(
    sqlite: sqlite3.Connection, worker_id: str, reports: Mapping[str, PeerReport], *, now: float
) -> dict[str, PeerRates]:
    """Record a worker's rates and beliefs; return the recent reports, with the memory."""
    forget_sender(sqlite, worker_id, now=now)
    for kind, report in reports.items():
        rate = {"worker_id": worker_id, "kind": kind, "rate_per_s": report.rate_per_s, "now": now}
        sqlite.execute(sql.REPORT_RATE, rate)
        if report.belief is not None:
            belief = {"kind": kind, "now": now, **asdict(report.belief)}
            sqlite.execute(sql.REMEMBER_BELIEF, belief)
    lasting = {"now": now, "since": now - MEMORY_LASTS_S}
    remembered = {
        kind: Remembered(QuotaBelief(rate, usual, minute_began_s), age_s)
        for kind, rate, usual, minute_began_s, age_s in sqlite.execute(sql.READ_BELIEFS, lasting)
    }
    return {
        kind: PeerRates(workers, mean, remembered.get(kind))
        for kind, workers, mean in sqlite.execute(sql.READ_RATES).fetchall()
    }


def forget_sender(sqlite: sqlite3.Connection, worker_id: str, *, now: float) -> None:
    """Remove a worker's report, and expired ones."""
    until = now + REPORTS_LAST_S
    since = now - REPORTS_LAST_S
    sqlite.execute(sql.FORGET_SENDERS, {"worker_id": worker_id, "since": since, "until": until})
