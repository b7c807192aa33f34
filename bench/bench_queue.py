"""How many messages a second the local queue takes and gives, beside a queue of the usual kind.

The usual kind is what most SQLite queues on the package index do: one table, one row and one
transaction a message, a status column, and the whole row read and written at every step.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.figures import Figure, report
from sightline.local.queue import LocalQueue
from sightline.ports import Outgoing

MESSAGES = 200_000
PLAIN_MESSAGES = 2_000
PUBLISHED_AT_ONCE = 1_000
LEASED_AT_ONCE = 256
BODY = b"x" * 700
ATTRIBUTES = {"v": "1", "run_id": "0198c0de-0000-7000", "asset_type": "ASSET_CLASS_ROAD_SIGN"}


def run() -> list[Figure]:
    """Measure, and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        return [*asyncio.run(measure_ours(Path(folder))), *measure_plain(Path(folder))]


async def measure_ours(folder: Path) -> list[Figure]:
    """Publish, lease and ack, extend, count and read in one process."""
    path = folder / "queue.db"
    seconds: dict[str, float] = {}
    async with LocalQueue.open(path) as queue:
        batch = [Outgoing(BODY, ATTRIBUTES)] * PUBLISHED_AT_ONCE
        with stopwatch(seconds, "publish"):
            for number in range(MESSAGES // PUBLISHED_AT_ONCE):
                await queue.publish(batch, batch_key=str(number))
        bytes_a_message = path.stat().st_size / MESSAGES
        with stopwatch(seconds, "count"):
            await queue.backlog("another run")
        with stopwatch(seconds, "read"):
            async for _ in queue.queued_bodies(None):
                pass
        held = [delivery.lease_id for delivery in await queue.pull(4_096, lease_s=60)]
        with stopwatch(seconds, "extend"):
            await queue.extend(held, lease_s=60)
        await queue.ack(held)
        with stopwatch(seconds, "settle"):
            while deliveries := await queue.pull(LEASED_AT_ONCE, lease_s=60):
                await queue.ack([delivery.lease_id for delivery in deliveries])
        wal_mb = path.with_name("queue.db-wal").stat().st_size / 1e6
    per_s = "messages/s"
    return [
        Figure("queue: publish, batches of 1,000", MESSAGES / seconds["publish"], per_s, 50_000),
        Figure(
            "queue: lease and ack, batches of 256",
            (MESSAGES - len(held)) / seconds["settle"],
            per_s,
            10_000,
        ),
        Figure("queue: extend 4,096 leases", seconds["extend"] * 1e3, "ms", better="lower"),
        Figure("queue: count 200,000 by run", seconds["count"] * 1e3, "ms", better="lower"),
        Figure("queue: read all bodies", MESSAGES / seconds["read"], per_s),
        Figure("queue: file, a message of 700 bytes", bytes_a_message, "bytes", better="lower"),
        Figure("queue: WAL after all of it", wal_mb, "MB", better="lower"),
    ]


def measure_plain(folder: Path) -> list[Figure]:
    """Do the same with one row and one transaction a message."""
    seconds: dict[str, float] = {}
    with closing(sqlite3.connect(folder / "plain.db", isolation_level=None)) as plain:
        plain.execute("PRAGMA journal_mode = WAL").fetchall()
        plain.execute(
            "CREATE TABLE queue (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB,"
            " status INTEGER DEFAULT 0, leased_at REAL)"
        )
        plain.execute("CREATE INDEX by_status ON queue (status, id)")
        with stopwatch(seconds, "publish"):
            for _ in range(PLAIN_MESSAGES):
                plain.execute("INSERT INTO queue (body) VALUES (?)", (BODY,))
        with stopwatch(seconds, "settle"):
            for _ in range(PLAIN_MESSAGES):
                (id_, _) = plain.execute(
                    "UPDATE queue SET status = 1, leased_at = ? WHERE id ="
                    " (SELECT id FROM queue WHERE status = 0 ORDER BY id LIMIT 1)"
                    " RETURNING id, body",
                    (time.time(),),
                ).fetchall()[0]
                plain.execute("DELETE FROM queue WHERE id = ?", (id_,))
    note = "(one row, one transaction)"
    return [
        Figure(
            "usual SQLite queue: publish",
            PLAIN_MESSAGES / seconds["publish"],
            "messages/s",
            note=note,
        ),
        Figure(
            "usual SQLite queue: lease and ack",
            PLAIN_MESSAGES / seconds["settle"],
            "messages/s",
            note=note,
        ),
    ]


@contextmanager
def stopwatch(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Note how long the block takes."""
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


if __name__ == "__main__":
    report("queue", run())
