"""Permits for calls to one model: how many at once, and how fast.

``Limiter`` is the whole interface; ``StaticLimiter`` holds a configured rate and cap.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from asyncio_throttle.throttler import Throttler

from sightline.settings import LimitSettings


class Outcome(Enum):
    """How a call ended, as far as a limiter cares."""

    SUCCEEDED = "succeeded"
    THROTTLED = "throttled"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished call. ``retry_after_s`` is what a refusal asked for, if it did."""

    outcome: Outcome
    latency_s: float
    retry_after_s: float | None = None


class Limiter(Protocol):
    """Hands out permits, in order; every permit is given back with a sample of its call."""

    async def acquire(self) -> None:
        """Wait for a permit. Cancelling the wait takes none."""
        ...

    def release(self, sample: Sample) -> None:
        """Give the permit back, and learn from the call."""
        ...


THROTTLE_PAUSE_S = 1.0
"""The pause after a refusal that does not say how long to wait."""


class StaticLimiter:
    """A fixed in-flight cap and a fixed rate; a refusal pauses all callers.

    One waiter at a time stands at asyncio-throttle's door, since it polls; the others wait their
    turn at the semaphore and the lock, which hand over in order.
    """

    def __init__(
        self, limit: LimitSettings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._cap = asyncio.Semaphore(limit.in_flight)
        self._door = asyncio.Lock()
        self._throttler = _throttler(limit.rate_per_s)
        self._monotonic = monotonic
        self._paused_until = 0.0

    async def acquire(self) -> None:
        """Wait for a permit: first for the cap, then for the pause, then for the rate."""
        await self._cap.acquire()
        if self._throttler is None and self._paused_until <= 0.0:
            return
        try:
            async with self._door:
                await self._pause()
                if self._throttler is not None:
                    await self._throttler.acquire()  # type: ignore[no-untyped-call]  # ships no types
        except BaseException:
            self._cap.release()
            raise

    async def _pause(self) -> None:
        # The pause may be prolonged while it is waited for.
        while (wait_s := self._paused_until - self._monotonic()) > 0:  # noqa: ASYNC110 - as above
            await asyncio.sleep(wait_s)
        self._paused_until = 0.0

    def release(self, sample: Sample) -> None:
        """Give the permit back; after a refusal nobody calls for as long as it asked."""
        if sample.outcome is Outcome.THROTTLED:
            pause_s = THROTTLE_PAUSE_S if sample.retry_after_s is None else sample.retry_after_s
            self._paused_until = max(self._paused_until, self._monotonic() + pause_s)
        self._cap.release()


def _throttler(rate_per_s: float) -> Throttler | None:
    """Return the ceiling as windows of a tenth of a second, or of one call where it is slow."""
    if rate_per_s <= 0:
        return None
    calls = max(1, int(rate_per_s / 10))
    return Throttler(rate_limit=calls, period=calls / rate_per_s, retry_interval=0.005)
