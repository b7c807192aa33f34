"""The local queue's file and its WAL stay as small as what they hold allows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sightline.local.queue import LocalQueue, connection, store
from tests.local.queue_rig import LEASE_S, drain, fill


def size_of(path: Path) -> int:
    """Return a file's size in bytes."""
    return path.stat().st_size


async def test_the_file_grows_no_further_when_as_much_is_published_again(
    queue: LocalQueue, path: Path
) -> None:
    sizes = []
    for turn in range(4):
        await fill(queue, 2000, run_id=f"run-{turn}", size=2000)
        await drain(queue)
        sizes.append(size_of(path) + size_of(path.with_name("queue.db-wal")))
    assert sizes[3] <= sizes[1] * 1.1


async def test_an_idle_queue_gives_its_free_space_back(
    queue: LocalQueue, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FREE_PAGES_KEPT", 10)
    await fill(queue, 2000, size=2000)
    await drain(queue)
    for _ in range(5):
        assert await queue.pull(1, lease_s=LEASE_S) == []
    await queue.backlog()
    with sqlite3.connect(path) as look:
        (pages,) = look.execute("PRAGMA page_count").fetchone()
    look.close()
    assert pages < 50


async def test_the_wal_starts_over_although_other_readers_come_and_go(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 1_000_000
    monkeypatch.setattr(connection, "WAL_LIMIT_BYTES", limit)
    monkeypatch.setattr(connection, "CHECKPOINT_PAGES", 0)  # nothing but the limit bounds it
    wal = path.with_name("queue.db-wal")
    largest = 0
    async with LocalQueue.open(path) as queue:
        for turn in range(20):
            await fill(queue, 100, run_id=f"run-{turn}", size=2000)
            await queue.backlog()
            largest = max(largest, size_of(wal))
    assert limit / 2 < largest < 2 * limit


async def test_a_reader_that_stays_does_not_stop_the_writers(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WAL_LIMIT_BYTES", 100_000)
    monkeypatch.setattr(connection, "_CHECKPOINT_WAIT_MS", 1)
    async with LocalQueue.open(path) as queue:
        await fill(queue, 1)
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchall()
        for turn in range(20):
            await fill(queue, 100, run_id=f"run-{turn}", size=2000)
        reader.close()
        await fill(queue, 100, run_id="last", size=2000)
        assert (await queue.backlog()).ready == 2101
