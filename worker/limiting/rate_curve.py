"""The common base of both policies' rate curves: the rate, its anchor, and its doubling."""

from __future__ import annotations

from abc import ABC, abstractmethod

DOUBLING_S = 1.0
SHORTEST_DOUBLING_S = 0.1
"""The rate doubles in this time; a newcomer's in a round trip, within these bounds."""

FAST_PER_S = 200.0
FAST_DOUBLING_S = 2.0
"""A high rate doubles slowly: a quota per minute becomes visible only when it is used up."""


class RateCurve(ABC):
    """A growing rate. ``anchor`` is the rate it turns around; ``None`` while it doubles."""

    def __init__(self, start_per_s: float, ceiling_per_s: float) -> None:
        self.ceiling_per_s = ceiling_per_s
        self.rate_per_s = min(start_per_s, ceiling_per_s)
        self.anchor: float | None = None
        self.newcomer = True
        self._newcomer_doubling_s = DOUBLING_S
        self._may_double = True

    @abstractmethod
    def advance(self, elapsed_s: float) -> None:
        """Grow for the time before a call, if the rate was what delayed the call."""

    @abstractmethod
    def resume(self, at: float, anchor_per_s: float, *, slowly_s: float = 0.0) -> None:
        """Continue at a share of a rate that is known to work, and recover to it."""

    def hear_round_trip(self, round_trip_s: float, *, longer: bool) -> None:
        """Record how long an answer takes, and whether that is longer than usual."""
        self._may_double = not longer
        self._newcomer_doubling_s = min(max(round_trip_s, SHORTEST_DOUBLING_S), DOUBLING_S)

    def _double_for(self, elapsed_s: float) -> None:
        """Double for this time, unless answers take longer than usual."""
        if self._may_double:
            fast = self.rate_per_s > FAST_PER_S
            doubling_s = FAST_DOUBLING_S if fast else self._doubling_s()
            grown: float = self.rate_per_s * 2.0 ** (elapsed_s / doubling_s)
            self.rate_per_s = min(grown, self.ceiling_per_s)

    def _doubling_s(self) -> float:
        return self._newcomer_doubling_s if self.newcomer else DOUBLING_S


def cubic(recoveries: float) -> float:
    """Return -1 at a cut, 0 one recovery later, 1 after two, linear from there on."""
    x = recoveries - 1.0
    return x * x * x if x < 1.0 else 3.0 * x - 2.0
