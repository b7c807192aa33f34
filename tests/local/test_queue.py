"""What the local queue does beyond the queue contract: opening, cancelled calls, reading."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from functools import partial
from pathlib import Path

import pytest

from sightline.local.queue import LocalQueue, store, stream_bodies
from sightline.local.queue.connection import Connection
from sightline.ports import Outgoing
from tests.local.queue_rig import LEASE_S, Clock, fill, ids

# --- opening -------------------------------------------------------------------------------------


async def test_a_queue_keeps_its_messages_when_it_is_opened_again(path: Path) -> None:
    async with LocalQueue.open(path) as first:
        await fill(first, 3)
    async with LocalQueue.open(path) as second:
        assert len(await second.pull(10, lease_s=LEASE_S)) == 3


async def test_a_queue_closed_by_everybody_is_one_file(path: Path) -> None:
    async with LocalQueue.open(path) as queue:
        await fill(queue, 3)
    assert [path.name for path in path.parent.iterdir()] == ["queue.db"]


async def test_a_batch_key_is_remembered_after_its_messages_are_settled(path: Path) -> None:
    async with LocalQueue.open(path) as queue:
        await queue.publish([Outgoing(b"a", {})], batch_key="k")
        await queue.ack([delivery.lease_id for delivery in await queue.pull(1, lease_s=LEASE_S)])
    async with LocalQueue.open(path) as queue:
        assert await queue.publish([Outgoing(b"a", {})], batch_key="k") == 0


async def test_durable_work_is_synced_and_settling_is_not(path: Path) -> None:
    def synchronous(sqlite: sqlite3.Connection) -> int:
        return int(sqlite.execute("PRAGMA synchronous").fetchone()[0])

    async with Connection.open(path, name="test") as connection:
        assert await connection.write(synchronous, durable=True) == 2
        assert await connection.write(synchronous, durable=False) == 1


async def test_work_that_fails_leaves_nothing_behind(path: Path) -> None:
    def half(sqlite: sqlite3.Connection) -> None:
        store.publish(sqlite, [Outgoing(b"a", {})], "k", 0.0)
        raise ZeroDivisionError

    async with Connection.open(path, name="test") as connection:
        with pytest.raises(ZeroDivisionError):
            await connection.write(half, durable=True)
        count = await connection.run(partial(store.count_backlog, run_id=None, now=0.0))
        assert count.ready == 0


# --- cancelled calls -----------------------------------------------------------------------------


async def test_a_cancelled_pull_gives_back_what_it_leased_uncounted(
    path: Path, clock: Clock
) -> None:
    under_way, go_on = threading.Event(), threading.Event()
    pulling = False

    def now() -> float:
        if pulling and threading.current_thread() is not threading.main_thread():
            under_way.set()
            go_on.wait(10)
        return clock()

    async with LocalQueue.open(path, now=now) as queue:
        await fill(queue, 3)
        pulling = True
        pull = asyncio.create_task(queue.pull(2, lease_s=LEASE_S))
        await asyncio.to_thread(under_way.wait, 10)
        pulling = False
        pull.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await pull
        again = await queue.pull(10, lease_s=LEASE_S)
    assert [(delivery.body, delivery.attempt) for delivery in again] == [
        (b"0000000000", 1),
        (b"0000000001", 1),
        (b"0000000002", 1),
    ]


async def test_a_pull_cancelled_before_it_begins_leases_nothing(queue: LocalQueue) -> None:
    await fill(queue, 1)
    pull = asyncio.create_task(queue.pull(1, lease_s=LEASE_S))
    await asyncio.sleep(0)
    pull.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pull
    assert [delivery.attempt for delivery in await queue.pull(1, lease_s=LEASE_S)] == [1]


async def test_a_pull_that_is_cancelled_as_it_ends_gives_back_what_it_leased(
    queue: LocalQueue,
) -> None:
    await fill(queue, 50)
    for turns in range(40):
        pull = asyncio.create_task(queue.pull(1, lease_s=LEASE_S))
        for _ in range(turns):
            await asyncio.sleep(0)
        pull.cancel()
        try:
            await queue.ack(ids(await pull))
        except asyncio.CancelledError:
            continue
    await queue.nack(["none"])  # writes are made in order, so this one comes after the undoing
    left = await queue.backlog()
    assert left.leased == 0


async def test_several_calls_may_be_under_way_at_once(queue: LocalQueue) -> None:
    await fill(queue, 100)
    pulls = await asyncio.gather(*(queue.pull(10, lease_s=LEASE_S) for _ in range(12)))
    message_ids = [delivery.message_id for pull in pulls for delivery in pull]
    assert len(message_ids) == len({*message_ids}) == 100


# --- reading -------------------------------------------------------------------------------------


async def test_the_bodies_of_a_run_are_read_until_they_are_settled(
    queue: LocalQueue, path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE", 3)
    await fill(queue, 10, run_id="run-1")
    await fill(queue, 4, run_id="run-2")
    deliveries = await queue.pull(3, lease_s=LEASE_S)
    await queue.ack([deliveries[0].lease_id])
    expected = [f"{i:010d}".encode() for i in range(1, 10)]
    assert [body async for body in queue.queued_bodies("run-1")] == expected
    assert await asyncio.to_thread(lambda: [*stream_bodies(path, "run-1")]) == expected
    assert len([body async for body in queue.queued_bodies(None)]) == 13
    assert [body async for body in queue.queued_bodies("run-3")] == []


async def test_what_is_behind_the_backstop_is_still_counted_and_read(
    path: Path, clock: Clock
) -> None:
    async with LocalQueue.open(path, now=clock, backstop_attempts=1) as queue:
        await fill(queue, 1)
        await queue.nack(ids(await queue.pull(1, lease_s=LEASE_S)))
        assert await queue.pull(1, lease_s=LEASE_S) == []
        assert (await queue.backlog("run-1")).ready == 1
        assert [body async for body in queue.queued_bodies("run-1")] == [b"0000000000"]
        assert await queue.purge("run-1") == 1
        assert await queue.collect_backstop(1) == []


async def test_a_pull_is_filled_although_it_moves_messages_behind_the_backstop(
    path: Path, clock: Clock
) -> None:
    async with LocalQueue.open(path, now=clock, backstop_attempts=1) as queue:
        await fill(queue, 5)
        await queue.nack(ids(await queue.pull(5, lease_s=LEASE_S)))
        clock.time_s += 1
        await fill(queue, 5, run_id="run-2")
        await queue.nack(ids(await queue.pull(2, lease_s=LEASE_S)))
        assert len(await queue.pull(10, lease_s=LEASE_S)) == 3
        assert len(await queue.collect_backstop(10)) == 7


async def test_a_purge_of_many_steps_drops_all(
    queue: LocalQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PURGE_PAGE", 7)
    await fill(queue, 50)
    await fill(queue, 3, run_id="run-2")
    assert await queue.purge("run-1") == 50
    assert (await queue.backlog()).ready == 3


async def test_messages_that_are_put_off_come_at_once_when_they_are_hastened(
    queue: LocalQueue,
) -> None:
    await fill(queue, 3)
    await fill(queue, 1, run_id="run-2")
    deliveries = await queue.pull(4, lease_s=LEASE_S)
    await queue.nack(ids(deliveries[1:]), delay_s=600.0)
    assert await queue.pull(9, lease_s=LEASE_S) == []
    assert await queue.make_due("run-1") == 2
    assert {delivery.attempt for delivery in await queue.pull(9, lease_s=LEASE_S)} == {2}
    assert await queue.make_due("run-1") == 0
    assert (await queue.backlog("run-2")).ready == 1
    await queue.ack([deliveries[0].lease_id])
    assert (await queue.backlog("run-1")).leased == 2
