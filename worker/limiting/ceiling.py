"""The configured ceiling on calls started per second, enforced by asyncio-throttle."""

from __future__ import annotations

from asyncio_throttle.throttler import Throttler


class Ceiling:
    """Admits at most the configured rate; 0 admits everything.

    One caller at a time may wait here, since asyncio-throttle polls while it waits.
    """

    def __init__(self, rate_per_s: float) -> None:
        self._throttler = _throttler(rate_per_s)

    async def pass_through(self) -> None:
        """Wait until the ceiling allows a call."""
        if self._throttler is not None:
            await self._throttler.acquire()  # type: ignore[no-untyped-call]  # ships no types


def _throttler(rate_per_s: float) -> Throttler | None:
    """Return the ceiling as windows of a tenth of a second, or of one call where it is slow."""
    if rate_per_s <= 0:
        return None
    calls = max(1, int(rate_per_s / 10))
    return Throttler(rate_limit=calls, period=calls / rate_per_s, retry_interval=0.005)
