"""Lulls: periods of the clock in which all workers slow down together.

A quota's refusals stop in a lull, random ones do not. The calls not sent stay in the quota's
bucket, so little is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

LULL_S = 2.0
LULL_EVERY_S = 5.0
LULL_MARGIN_S = 0.2
"""Every 5 s of the clock, the rate is lower for 2 s; clocks may differ by the margin."""

LULL = 0.6
LEAST_LULL = 0.4
"""A lull's rate relative to the accepted rate, of which at least this share is assumed."""

LULL_CALLS = 4.0
LULLS_EVERY_S = 20.0
"""Where calls are rare, both times are doubled until a lull has this many calls.

If lulls would become rarer than this, there are none.
"""

LOOK_S = 1.0
"""The accepted rate is measured this long before a lull, in seconds."""

CONVINCING_CALLS, RARER = 50, 4
"""After this many calls in lulls, only every fourth lull is kept."""


@dataclass(slots=True)
class Beat:
    """How fast the next call follows. ``period`` 0: the call does not count for the usual share."""

    pace_per_s: float
    period: int = 0
    lull: bool = False


class Lulls:
    """When lulls are, by a clock that all share, ahead of this process's by ``clock_ahead_s``."""

    def __init__(self, clock_ahead_s: float) -> None:
        self._clock_ahead_s = clock_ahead_s
        self._through_per_s = 0.0

    def beat(
        self,
        now_s: float,
        rate_per_s: float,
        fair_per_s: float | None,
        *,
        convinced: bool,
        through_per_s: Callable[[], float],
    ) -> Beat:
        """Return the current pace at this rate; lulls are rarer for a ``convinced`` worker.

        ``fair_per_s`` is the mean rate of all who share the quota; ``through_per_s`` returns the
        recently accepted rate.
        """
        pace_per_s = LULL * min(rate_per_s, max(self._through_per_s, LEAST_LULL * rate_per_s))
        every_s = _every_s(pace_per_s, fair_per_s)
        if every_s > LULLS_EVERY_S:
            return Beat(rate_per_s)
        number, into_s = divmod(now_s + self._clock_ahead_s, every_s)
        if convinced and number % RARER:
            return Beat(rate_per_s)
        lull_s = every_s * LULL_S / LULL_EVERY_S
        clear = LULL_MARGIN_S < into_s < lull_s - LULL_MARGIN_S or into_s > lull_s
        period = int(now_s - into_s + every_s) if clear else 0
        if into_s < lull_s:
            return Beat(pace_per_s, period, lull=True)
        if into_s > every_s - LOOK_S:
            self._through_per_s = through_per_s()
        return Beat(rate_per_s, period)


def lulls_tell(rate_per_s: float, fair_per_s: float | None) -> bool:
    """Whether lulls at this rate reveal the usual share soon enough."""
    return _every_s(LEAST_LULL * LULL * rate_per_s, fair_per_s) <= LULLS_EVERY_S


def _every_s(pace_per_s: float, fair_per_s: float | None) -> float:
    """Return the period of lulls; the same for all who share the quota."""
    common_per_s = LULL * LEAST_LULL * (fair_per_s or inf)
    every_s = LULL_EVERY_S
    while every_s * min(pace_per_s, common_per_s) < LULL_CALLS * LULL_EVERY_S / LULL_S:
        every_s *= 2.0
    return every_s
