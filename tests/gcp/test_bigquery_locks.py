"""Locks between machines: taken once, renewed, lost, and taken over from dead holders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from sightline.errors import BusyError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.locks import LockTiming, TableLocks
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.warehouse_rig import place_in
from tests.waiting import GIVE_UP_S

pytestmark = pytest.mark.needs("go")

START = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Clock:
    """A time that passes only by sleeping; the sleeper yields to the others."""

    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


@pytest.fixture
async def client(bigquery_emulator: BigQueryEmulator) -> AsyncIterator[BigQueryClient]:
    async with BigQueryClient.open(place_in(bigquery_emulator)) as client:
        await client.create_dataset()
        yield client


async def forever(_seconds: float) -> None:
    await asyncio.Event().wait()


def locks(client: BigQueryClient, owner: str, clock: Clock) -> TableLocks:
    """Return locks that are never renewed, and that wait by the clock."""
    return TableLocks(client, owner, clock, sleep=forever, chance=lambda: 0.0)


async def test_a_held_lock_names_its_owner_and_its_expiry(client: BigQueryClient) -> None:
    clock = Clock()
    async with locks(client, "ada@laptop, process 7", clock).at_once("run r/1", "run r/1"):
        with pytest.raises(BusyError, match="run r/1 is held by ada@laptop, process 7") as caught:
            async with locks(client, "other", clock).at_once("run r/1", "run r/1"):
                pass
        assert "until 2026-05-04 12:01:00 UTC" in str(caught.value)
        async with locks(client, "other", clock).at_once("run r/2", "run r/2"):
            pass
    assert await client.tables() == {}


async def test_only_one_of_many_takes_a_lock(client: BigQueryClient) -> None:
    clock, inside = Clock(), 0

    async def take(number: int) -> int:
        nonlocal inside
        timing = LockTiming(poll_s=0.01, max_poll_s=0.05)
        waiting = TableLocks(client, f"owner {number}", clock, timing=timing)
        async with waiting.in_turn("enqueue", "opening runs"):
            inside += 1
            others = inside
            await client.tables()
            inside -= 1
        return others

    assert await asyncio.gather(*(take(number) for number in range(5))) == [1] * 5


async def test_the_expired_lock_of_a_dead_holder_is_taken_over_by_one_process(
    client: BigQueryClient,
) -> None:
    clock = Clock()
    dead = locks(client, "dead", clock).at_once("enqueue", "opening runs")
    await dead.__aenter__()  # and its process ends: nothing is let go
    clock.now += timedelta(seconds=64)  # past its end, but not by any clock
    with pytest.raises(BusyError, match="dead"):
        async with locks(client, "early", clock).at_once("enqueue", "opening runs"):
            pass
    clock.now += timedelta(seconds=2)

    async def take(owner: str) -> str:
        try:
            async with locks(client, owner, clock).at_once("enqueue", "opening runs"):
                await asyncio.wait_for(all_tried.wait(), GIVE_UP_S)
                return owner
        except BusyError:
            return ""
        finally:
            tried.append(owner)
            if len(tried) == 3:
                all_tried.set()

    tried: list[str] = []
    all_tried = asyncio.Event()
    owners = ["one", "two", "three", "four"]
    tasks = [asyncio.create_task(take(owner)) for owner in owners]
    turns = await asyncio.gather(*tasks)
    assert len([owner for owner in turns if owner]) == 1
    assert await client.tables() == {}


async def test_waiting_is_limited_and_jittered(client: BigQueryClient) -> None:
    clock = Clock()
    timing = LockTiming(life_s=10_000, patience_s=60.0)
    async with TableLocks(client, "long", clock, timing=timing, sleep=forever).at_once("l", "it"):
        waiting = TableLocks(
            client, "next", clock, timing=timing, sleep=clock.sleep, chance=lambda: 0.5
        )
        with pytest.raises(BusyError, match="it is held by long"):
            async with waiting.in_turn("l", "it"):
                pass
    assert clock.slept[:2] == pytest.approx([0.075, 0.1125])
    assert max(clock.slept) == 3.0 * 0.75
    assert 60 < sum(clock.slept) < 63


async def test_a_renewed_lock_outlives_its_first_expiry(client: BigQueryClient) -> None:
    clock, renewals = Clock(), 0

    async def sleep(seconds: float) -> None:
        nonlocal renewals
        renewals += 1
        if renewals > 8:
            renewed.set()
            await forever(seconds)
        await clock.sleep(seconds)

    renewed = asyncio.Event()
    async with TableLocks(client, "long", clock, sleep=sleep).at_once("l", "it"):
        await asyncio.wait_for(renewed.wait(), GIVE_UP_S)
        assert clock.now == START + timedelta(seconds=120)
        with pytest.raises(BusyError, match="until 2026-05-04 12:03:00 UTC"):
            async with locks(client, "other", clock).at_once("l", "it"):
                pass


async def test_a_holder_that_overslept_is_interrupted_and_leaves_the_next_one_s_lock(
    client: BigQueryClient,
) -> None:
    clock, asleep = Clock(), asyncio.Event()

    async def oversleep(_seconds: float) -> None:
        await asleep.wait()

    next_one = locks(client, "next", clock).at_once("l", "it")

    async def hold() -> None:
        async with TableLocks(client, "slow", clock, sleep=oversleep).at_once("l", "it"):
            clock.now += timedelta(seconds=300)
            await next_one.__aenter__()
            asleep.set()
            await asyncio.wait_for(asyncio.Event().wait(), GIVE_UP_S)

    with pytest.raises(BusyError, match="it: the lock could not be renewed in time"):
        await hold()
    with pytest.raises(BusyError, match="held by next"):
        async with locks(client, "third", clock).at_once("l", "it"):
            pass


async def test_the_body_s_exception_is_raised_and_the_lock_is_released(
    client: BigQueryClient,
) -> None:
    clock = Clock()
    with pytest.raises(ZeroDivisionError):
        async with locks(client, "one", clock).at_once("l", "it"):
            raise ZeroDivisionError
    async with locks(client, "two", clock).at_once("l", "it"):
        pass


def test_a_lock_is_renewed_before_its_last_safe_moment() -> None:
    timing = LockTiming()
    assert timing.renewal_s(timing.expires(START), START) == 15.0
    assert timing.renewal_s(START + timedelta(seconds=12), START) == 7.0
    assert timing.renewal_s(START, START) == 0.0
    assert not timing.safe(START + timedelta(seconds=5), START)
    assert not timing.over(START, START + timedelta(seconds=5))
    assert timing.over(START, START + timedelta(seconds=5.1))
    assert timing.delay_s(10_000, 0.999) >= 1.5
