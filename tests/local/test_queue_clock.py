"""The local queue under a clock that is set back: nothing is hidden, no lease outlives itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.local.queue import LocalQueue
from tests.local.queue_rig import LEASE_S, Clock, fill


@pytest.mark.parametrize("back_s", [2.0, 3600.0, 1e9])
async def test_a_clock_set_back_hides_no_fresh_message(
    queue: LocalQueue, clock: Clock, back_s: float
) -> None:
    await fill(queue, 1)
    clock.time_s -= back_s
    assert len(await queue.pull(10, lease_s=LEASE_S)) == 1


@pytest.mark.parametrize("back_s", [2.0, 3600.0, 1e9])
async def test_a_lease_runs_no_longer_than_its_length_after_the_clock_is_set_back(
    queue: LocalQueue, clock: Clock, back_s: float
) -> None:
    await fill(queue, 1)
    await queue.pull(1, lease_s=LEASE_S)
    clock.time_s -= back_s
    assert await queue.pull(1, lease_s=LEASE_S) == []
    clock.time_s += LEASE_S + 1
    assert [delivery.attempt for delivery in await queue.pull(1, lease_s=LEASE_S)] == [2]


async def test_a_lease_from_before_the_clock_was_set_back_still_settles(
    queue: LocalQueue, clock: Clock
) -> None:
    await fill(queue, 1)
    (delivery_held,) = await queue.pull(1, lease_s=LEASE_S)
    clock.time_s -= 3600
    assert await queue.pull(1, lease_s=LEASE_S) == []
    assert await queue.extend([delivery_held.lease_id], lease_s=LEASE_S) == frozenset()
    await queue.ack([delivery_held.lease_id])
    assert (await queue.backlog()).leased == 0


async def test_a_queue_opened_after_the_clock_was_set_back_shortens_what_is_held(
    path: Path, clock: Clock
) -> None:
    async with LocalQueue.open(path, now=clock) as before:
        await fill(before, 2)
        deliveries = await before.pull(2, lease_s=LEASE_S)
        await before.nack([deliveries[0].lease_id], delay_s=60.0)
    clock.time_s -= 1e6
    async with LocalQueue.open(path, now=clock) as after:
        clock.time_s += 61
        assert len(await after.pull(10, lease_s=LEASE_S)) == 2


async def test_a_slewed_clock_shortens_nothing(queue: LocalQueue, clock: Clock) -> None:
    await fill(queue, 1)
    await queue.pull(1, lease_s=LEASE_S)
    clock.time_s -= 0.5
    assert await queue.pull(1, lease_s=LEASE_S) == []
    clock.time_s += LEASE_S + 0.25
    assert await queue.pull(1, lease_s=LEASE_S) == []


async def test_an_age_is_never_negative(queue: LocalQueue, clock: Clock) -> None:
    await fill(queue, 1)
    clock.time_s -= 3600
    assert (await queue.backlog()).oldest_age_s == 0.0
