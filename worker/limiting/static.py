"""A limiter with a fixed rate and a fixed cap."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from math import inf

from sightline.ports import PeerRates, QuotaBelief
from sightline.settings import LimitSettings
from worker.limiting.ceiling import Ceiling
from worker.limiting.limiter import LimiterSnapshot, LimiterState, Outcome, Sample
from worker.limiting.slices import Slices

THROTTLE_PAUSE_S = 1.0
"""The pause after a refusal that does not say how long to wait."""


class StaticLimiter:
    """A fixed in-flight cap and a fixed rate; a refusal pauses all callers.

    One caller at a time waits for the next permit; the others wait at the semaphore and the lock,
    which are granted in order.
    """

    def __init__(
        self, limit: LimitSettings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._cap = asyncio.Semaphore(limit.in_flight)
        self._door = asyncio.Lock()
        self._ceiling = Ceiling(limit.rate_per_s) if limit.rate_per_s > 0 else None
        self._monotonic = monotonic
        self._paused_until = 0.0
        self._in_flight = 0
        self._sends = Slices()

    async def acquire(self) -> None:
        """Wait for a permit: first for the cap, then for the pause, then for the rate."""
        await self._cap.acquire()
        if self._ceiling is not None or self._paused_until > 0.0:
            try:
                async with self._door:
                    await self._pause()
                    if self._ceiling is not None:
                        await self._ceiling.pass_through()
            except BaseException:
                self._cap.release()
                raise
        self._in_flight += 1
        self._sends.sent(self._monotonic(), self._limit.rate_per_s)

    async def _pause(self) -> None:
        # The pause may be prolonged during the wait.
        while (wait_s := self._paused_until - self._monotonic()) > 0:  # noqa: ASYNC110 - as above
            await asyncio.sleep(wait_s)
        self._paused_until = 0.0

    def release(self, sample: Sample) -> None:
        """Return the permit; a refusal pauses all calls for as long as it requested."""
        self._in_flight -= 1
        if sample.outcome is Outcome.THROTTLED:
            now_s = self._monotonic()
            pause_s = THROTTLE_PAUSE_S if sample.retry_after_s is None else sample.retry_after_s
            self._paused_until = max(self._paused_until, now_s + pause_s)
            if (where := self._sends.at(now_s - sample.latency_s)) is not None:
                where.refused += 1
        self._cap.release()

    def hear_peers(self, peers: PeerRates) -> None:
        """Do nothing: the rate is this worker's own."""

    def believed(self) -> QuotaBelief | None:
        """Return nothing: no quota is searched for."""
        return None

    def snapshot(self) -> LimiterSnapshot:
        """Return the current state; without a ceiling, its rate is ``inf``."""
        now_s = self._monotonic()
        return LimiterSnapshot(
            LimiterState.PAUSED if self._paused_until > now_s else LimiterState.FIXED,
            self._limit.rate_per_s or inf,
            self._in_flight,
            self._limit.in_flight,
            self._sends.share_refused(now_s),
            0.0,
        )
