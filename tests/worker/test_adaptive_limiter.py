"""The adaptive limiter's front: order, cancellation, the cap, and the choice by settings."""

from __future__ import annotations

import asyncio

from sightline.settings import LimitSettings
from tests.waiting import GIVE_UP_S
from worker.limiting import AdaptiveLimiter, Outcome, Sample, StaticLimiter, limiter_of

OK = Sample(Outcome.SUCCEEDED, 0.001)


async def test_permits_are_handed_out_in_order() -> None:
    limiter = AdaptiveLimiter(LimitSettings(in_flight=1))
    await limiter.acquire()
    order: list[int] = []

    async def caller(number: int) -> None:
        await limiter.acquire()
        order.append(number)
        limiter.release(OK)

    waiting = [asyncio.create_task(caller(number)) for number in range(5)]
    await asyncio.sleep(0)
    limiter.release(OK)
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2, 3, 4]
    assert limiter.snapshot().in_flight == 0


async def test_a_cancelled_wait_takes_no_permit_and_loses_none() -> None:
    limiter = AdaptiveLimiter(LimitSettings(in_flight=1))
    await limiter.acquire()
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()
    await asyncio.wait(waiting[:2])
    assert limiter.snapshot().in_flight == 1
    limiter.release(OK)
    await asyncio.wait_for(waiting[2], GIVE_UP_S)
    assert limiter.snapshot().in_flight == 1


async def test_the_ceiling_stays_at_the_door() -> None:
    limiter = AdaptiveLimiter(LimitSettings(in_flight=9, rate_per_s=0.01))
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    assert limiter.snapshot().rate_per_s <= 0.01
    waiting.cancel()
    await asyncio.wait([waiting])
    assert limiter.snapshot().in_flight == 1


def test_the_settings_choose() -> None:
    assert isinstance(limiter_of(LimitSettings()), AdaptiveLimiter)
    assert isinstance(limiter_of(LimitSettings(adaptive=False)), StaticLimiter)
