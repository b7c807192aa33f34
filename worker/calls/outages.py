"""What cannot be reached, told after ten seconds: a worker that waits for it shows nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from sightline.errors import UnreachableError

TOLD_AFTER_S = 10.0
TOLD_AGAIN_S = 60.0
LOOKED_EVERY_S = 1.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Outage:
    """A service out of reach since a moment; ``told_s`` is when that was said last."""

    since_s: float
    error: UnreachableError
    told_s: float | None = None


@dataclass(slots=True)
class Outages:
    """The services that calls did not reach lately, by their host and port."""

    monotonic: Callable[[], float]
    tell: Callable[[str], None] = log.warning
    _outages: dict[str, _Outage] = field(init=False, default_factory=dict)

    def failed(self, error: UnreachableError, *, since_s: float) -> None:
        """Take note of a call that did not reach its service, which is silent since a moment."""
        outage = self._outages.setdefault(error.host, _Outage(since_s, error))
        outage.since_s, outage.error = min(outage.since_s, since_s), error

    def answered(self, host: str) -> None:
        """Take note of a service that answered, whatever it said."""
        outage = self._outages.pop(host, None)
        if outage is not None and outage.told_s is not None:
            self.tell(f"{host} is reached again")

    def look(self) -> None:
        """Say what has been out of reach for ten seconds, and again every minute."""
        now_s = self.monotonic()
        for host, outage in self._outages.items():
            told_s = outage.told_s
            is_time = told_s is None or now_s - told_s >= TOLD_AGAIN_S
            if now_s - outage.since_s >= TOLD_AFTER_S and is_time:
                outage.told_s = now_s
                self.tell(
                    f"{host} has been out of reach for {now_s - outage.since_s:.0f} s, and calls"
                    f" wait for it: {outage.error}; see that it runs, and that `sightline doctor`"
                    " reaches it"
                )

    async def watch(self) -> None:
        """Look every second, as long as the worker lives."""
        while True:
            self.look()
            await asyncio.sleep(LOOKED_EVERY_S)
