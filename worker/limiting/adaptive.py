"""A limiter that finds the quota: the asyncio front of a quota finder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from math import inf

from sightline.ports import PeerRates, QuotaBelief
from sightline.settings import LimitSettings
from worker.limiting.ceiling import Ceiling
from worker.limiting.limiter import LimiterSnapshot, Sample
from worker.limiting.seen_peers import QuotaFinder
from worker.limiting.unseen_peers import SharedQuotaFinder


class AdaptiveLimiter:
    """Grants permits when a quota finder allows them, under the configured cap and ceiling.

    Where workers see each other (``seen_peers``), it expects their reports. One caller at a time
    waits for the next permit; the others wait for a lock, which is granted in order. ``wall_clock``
    is the time that all workers share.
    """

    def __init__(
        self,
        limit: LimitSettings,
        *,
        seen_peers: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic = monotonic
        finder = QuotaFinder if seen_peers else SharedQuotaFinder
        self._finder: QuotaFinder | SharedQuotaFinder = finder(
            limit.in_flight, limit.rate_per_s, clock_ahead_s=wall_clock() - monotonic()
        )
        self._ceiling = Ceiling(limit.rate_per_s)
        self._door = asyncio.Lock()
        self._news = asyncio.Event()

    async def acquire(self) -> None:
        """Wait for a permit. It is taken in the last step, so a cancelled wait takes none."""
        async with self._door:
            await self._permitted()
            await self._ceiling.pass_through()
            await self._permitted()  # a refusal may have arrived during the wait for the ceiling
            self._finder.sent(self._monotonic())

    def release(self, sample: Sample) -> None:
        """Return the permit, and learn from the call."""
        self._finder.done(self._monotonic(), sample)
        self._news.set()

    def hear_peers(self, peers: PeerRates) -> None:
        """Pass the reports of the other senders to the finder."""
        if not isinstance(self._finder, QuotaFinder):
            return
        now_s = self._monotonic()
        self._finder.hear_peers(now_s, peers.workers, peers.mean_per_s)
        if peers.remembered is not None:
            self._finder.remember(now_s, peers.remembered)
        self._news.set()

    def believed(self) -> QuotaBelief | None:
        """Return the belief to share with others, once the quota is found."""
        if not isinstance(self._finder, QuotaFinder):
            return None
        return self._finder.believed()

    def snapshot(self) -> LimiterSnapshot:
        """Return the current rate, and the other values for telemetry."""
        return self._finder.snapshot(self._monotonic())

    async def _permitted(self) -> None:
        """Wait until the finder allows a call; each finished call may change the time."""
        while (wait_s := self._finder.wait_s(self._monotonic())) > 0:
            self._news.clear()
            alarm = None
            if wait_s < inf:
                alarm = asyncio.get_running_loop().call_later(wait_s, self._news.set)
            try:
                await self._news.wait()
            finally:
                if alarm is not None:
                    alarm.cancel()
