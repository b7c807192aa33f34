"""The sending rate as a curve in time: doubling until the quota shows, then CUBIC around it.

After a cut the rate recovers fast at first, stays close to the refused rate for a while, and then
exceeds it (RFC 9438). Unlike there, the curve is relative to the rate, so that it has the same form
at 1 and at 1,000 calls per second; only its duration depends on the rate if several share a quota.
"""

from __future__ import annotations

from math import sqrt

from worker.limiting.rate_curve import RateCurve, cubic

START_PER_S = 5.0
"""The first rate of a newcomer, per second, which must not disturb the others."""

LOWEST_PER_S = 0.05
CUT = 0.7
"""The share of the rate that remains after a cut (RFC 9438, 4.6). A quota's burst makes up for the
dip.
"""

RECOVERY_S = 3.2
"""The duration of a recovery, in seconds, for a worker that has the quota alone."""

SLOW_BELOW_PER_S = 5.0
"""Below this rate recoveries take longer, so that there are calls between refusals."""

GROWTH_PER_S2 = 0.2
LONGEST_RECOVERY_S = 20.0
"""In a crowd, every worker grows by about the same number of calls per second in each second, as in
Reno and CUBIC: a worker with more recovers later, which makes shares equal (Chiu and Jain, 1989).
"""

BELOW = 0.95
CROWDING_WEIGHT = 0.2
"""A refusal below this share of the last refused rate shows that others use the quota.

The share of such refusals, smoothed with this weight, is the crowding; one half is full crowding.
"""

MOVED = 1.15
MOVED_SLOWLY = 2.0
MOVED_CALLS = 100
"""This far above the last refused rate, and after this many calls without a cut, the quota has
changed: double.
"""


class SharedCurve(RateCurve):
    """The rate. ``anchor`` is the last refused rate; ``None`` while the rate doubles.

    ``caution``, from 0 to 1, is how strongly a crowd is assumed.
    """

    def __init__(self, ceiling_per_s: float) -> None:
        super().__init__(START_PER_S, ceiling_per_s)
        self.caution = 0.0
        self.crowding = 0.0
        self._wall: float | None = None
        self._recovery_s = RECOVERY_S
        self._since_cut_s = 0.0
        self._calls = 0

    def advance(self, elapsed_s: float) -> None:
        """Grow for the time before a call, if the rate was what delayed the call."""
        if self.anchor is None:
            self._double_for(elapsed_s)
            return
        self._since_cut_s += elapsed_s
        self._calls += 1
        grown = self.anchor * (1.0 + (1.0 - CUT) * cubic(self._since_cut_s / self._recovery_s))
        moved = MOVED if self._recovery_s <= LONGEST_RECOVERY_S else MOVED_SLOWLY
        if grown > moved * self.anchor and self._calls > MOVED_CALLS:
            self.anchor = None
        self.rate_per_s = min(grown, self.ceiling_per_s)

    def cut(self, refused_at_per_s: float) -> None:
        """React to a refusal of a call that was sent at this rate."""
        if self._wall is not None:
            below = refused_at_per_s < BELOW * self._wall
            self.crowding += CROWDING_WEIGHT * (below - self.crowding)
        self._wall = self._around(refused_at_per_s)
        self._recovery_s = self._recovery()
        self._since_cut_s = 0.0
        self.rate_per_s = max(CUT * self._wall, LOWEST_PER_S)

    def resume(self, at: float, anchor_per_s: float, *, slowly_s: float = 0.0) -> None:
        """Continue at a share of a rate that is known to work, and recover to it."""
        anchor = self._around(anchor_per_s)
        self._recovery_s = max(recovery_s(anchor), slowly_s)
        self._since_cut_s = self._recovery_s * (1.0 - ((1.0 - at) / (1.0 - CUT)) ** (1 / 3))
        self.rate_per_s = min(max(at * anchor, LOWEST_PER_S), self.ceiling_per_s)

    def _around(self, anchor_per_s: float) -> float:
        self.newcomer = False
        self._calls = 0
        self.anchor = max(anchor_per_s, LOWEST_PER_S)
        return self.anchor

    def _recovery(self) -> float:
        anchor = self.anchor or LOWEST_PER_S
        alone_s = recovery_s(anchor)
        crowd_s = min((1.0 - CUT) * anchor / GROWTH_PER_S2, LONGEST_RECOVERY_S)
        crowd = min(1.0, 2.0 * self.crowding) * self.caution
        return max(alone_s, alone_s + crowd * (crowd_s - alone_s))


def recovery_s(rate_per_s: float) -> float:
    """Return the duration of a recovery, in seconds, for a worker that has the quota alone."""
    return RECOVERY_S * max(1.0, sqrt(SLOW_BELOW_PER_S / rate_per_s))
