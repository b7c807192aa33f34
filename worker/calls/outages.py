"""Reports services that are unreachable for ten seconds: a waiting worker shows nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from sightline.errors import UnreachableError

REPORTED_AFTER_S = 10.0
REPORTED_AGAIN_S = 60.0
CHECKED_EVERY_S = 1.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Outage:
    """An unreachable service; ``reported_s`` is when it was last reported."""

    since_s: float
    error: UnreachableError
    reported_s: float | None = None


@dataclass(slots=True)
class Outages:
    """The services that recent calls could not reach, by host and port."""

    monotonic: Callable[[], float]
    report: Callable[[str], None] = log.warning
    _outages: dict[str, _Outage] = field(init=False, default_factory=dict)

    def failed(self, error: UnreachableError, *, since_s: float) -> None:
        """Record a call that did not reach its service."""
        outage = self._outages.setdefault(error.host, _Outage(since_s, error))
        outage.since_s, outage.error = min(outage.since_s, since_s), error

    def answered(self, host: str) -> None:
        """Record that a service answered, with whatever response."""
        outage = self._outages.pop(host, None)
        if outage is not None and outage.reported_s is not None:
            self.report(f"{host} can be reached again")

    def look(self) -> None:
        """Report services that have been unreachable for ten seconds, and again every minute."""
        now_s = self.monotonic()
        for host, outage in self._outages.items():
            reported_s = outage.reported_s
            is_time = reported_s is None or now_s - reported_s >= REPORTED_AGAIN_S
            if now_s - outage.since_s >= REPORTED_AFTER_S and is_time:
                outage.reported_s = now_s
                self.report(
                    f"{host} has been out of reach for {now_s - outage.since_s:.0f} s, and calls"
                    f" wait for it: {outage.error}; check that it runs, and that `sightline doctor`"
                    " reaches it"
                )

    async def watch(self) -> None:
        """Check every second, as long as the worker runs."""
        while True:
            self.look()
            await asyncio.sleep(CHECKED_EVERY_S)
