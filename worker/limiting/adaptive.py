"""A limiter that finds the rate by itself: the asyncio front of the quota finder."""

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
    """Hands out permits when a quota finder says so, under the configured cap and ceiling.

    Where workers see each other (``seen_peers``) it counts on hearing of them.

    One caller at a time stands at the door and waits for the next permit; the others wait for the
    door, which hands over in order. ``wall_clock`` is the time that all workers share.
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
            await self._permitted()  # a refusal may have come while the ceiling was waited for
            self._finder.sent(self._monotonic())

    def release(self, sample: Sample) -> None:
        """Give the permit back, and learn from the call."""
        self._finder.done(self._monotonic(), sample)
        self._news.set()

    def hear_peers(self, peers: PeerRates) -> None:
        """Take note of who else sends to the model."""
        if not isinstance(self._finder, QuotaFinder):
            return
        now_s = self._monotonic()
        self._finder.hear_peers(now_s, peers.workers, peers.mean_per_s)
        if peers.remembered is not None:
            self._finder.remember(now_s, peers.remembered)
        self._news.set()

    def believed(self) -> QuotaBelief | None:
        """Return what others may know of the quota, once it was found."""
        if not isinstance(self._finder, QuotaFinder):
            return None
        return self._finder.believed()

    def snapshot(self) -> LimiterSnapshot:
        """Return the rate that was found, and what else telemetry shows."""
        return self._finder.snapshot(self._monotonic())

    async def _permitted(self) -> None:
        """Wait until the finder permits a call; each call that is done may change when that is."""
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
