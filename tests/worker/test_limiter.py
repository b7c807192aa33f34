"""The static limiter: cap, ceiling, pause, order, cancellation."""

from __future__ import annotations

import asyncio
from math import inf

from sightline.settings import LimitSettings
from tests.waiting import GIVE_UP_S
from worker.limiting import LimiterState, Outcome, Sample, StaticLimiter

OK = Sample(Outcome.SUCCEEDED, 0.1)


async def test_permits_are_handed_out_in_order() -> None:
    limiter = StaticLimiter(LimitSettings(in_flight=1))
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


async def test_a_cancelled_wait_takes_no_permit() -> None:
    limiter = StaticLimiter(LimitSettings(in_flight=1))
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    limiter.release(OK)
    await asyncio.wait_for(limiter.acquire(), GIVE_UP_S)


async def test_a_wait_cancelled_at_the_door_gives_its_place_back() -> None:
    limiter = StaticLimiter(LimitSettings(in_flight=1, rate_per_s=0.01))
    await limiter.acquire()
    limiter.release(OK)
    waiting = asyncio.create_task(limiter.acquire())
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.wait([waiting])
    free = StaticLimiter(LimitSettings(in_flight=1))
    free._cap = limiter._cap
    await asyncio.wait_for(free.acquire(), GIVE_UP_S)


async def test_a_refusal_pauses_everybody_for_as_long_as_it_asked() -> None:
    now = 100.0
    limiter = StaticLimiter(LimitSettings(in_flight=8), monotonic=lambda: now)
    await limiter.acquire()
    limiter.release(Sample(Outcome.THROTTLED, 0.1, retry_after_s=0.02))
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(3)]
    await asyncio.sleep(0.03)
    assert not any(call.done() for call in waiting)
    now += 0.02
    await asyncio.wait_for(asyncio.gather(*waiting), GIVE_UP_S)


async def test_no_window_lets_more_calls_through_than_the_ceiling_and_one_burst() -> None:
    limiter = StaticLimiter(LimitSettings(in_flight=100, rate_per_s=100.0))
    loop = asyncio.get_running_loop()
    times: list[float] = []

    async def caller() -> None:
        await limiter.acquire()
        times.append(loop.time())
        limiter.release(OK)

    await asyncio.gather(*(caller() for _ in range(40)))
    for start in times:
        assert sum(start <= at_s < start + 0.1 for at_s in times) <= 20
    assert times[-1] - times[0] >= 0.25


async def test_it_tells_what_it_is_about() -> None:
    now = 100.0
    limiter = StaticLimiter(LimitSettings(in_flight=3), monotonic=lambda: now)
    for _ in range(2):
        await limiter.acquire()
    assert limiter.snapshot().state is LimiterState.FIXED
    assert (limiter.snapshot().rate_per_s, limiter.snapshot().cap) == (inf, 3)
    assert limiter.snapshot().in_flight == 2
    now = 100.1
    limiter.release(Sample(Outcome.THROTTLED, 0.1, retry_after_s=5.0))
    assert limiter.snapshot().state is LimiterState.PAUSED
    assert limiter.snapshot().in_flight == 1
    now = 110.0
    assert limiter.snapshot().state is LimiterState.FIXED
    assert limiter.snapshot().share_refused == 0.5
