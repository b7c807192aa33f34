"""The sending rate as a curve: doubling until the quota shows, then CUBIC around it.

After a cut the rate starts below the believed quota, recovers to it, stays close to it for a while,
and then exceeds it (RFC 9438). Unlike there, the curve is relative to the rate, and its duration is
counted in calls where calls are rare, so that it has the same form at 0.1 and at 1,000 calls per
second.
"""

from __future__ import annotations

from worker.limiting.rate_curve import RateCurve, cubic

START_PER_S = 1.0
"""The first rate of a newcomer, per second, which must not disturb the others."""

LOWEST_PER_S = 0.0005
"""The lowest rate: one call in half an hour."""

DIP = 0.1
"""How far the rate falls below a well-known quota: saved calls absorb the jitter of others."""

DEEP_DIP = 0.3
"""The same for a new quota (RFC 9438, 4.6)."""

KNOWN = 1.2
"""The quota is well known if the last two refusals agree within this factor."""

RECOVERY_S = 3.2
RECOVERY_CALLS = 40.0
RECOVERY_REFUSALS = 10.0
"""The duration of a recovery: the longest of a time, a number of calls, and a multiple of the time
of a refusal (calls sent until it arrives are refused too).
"""

SOON = 0.7
"""A refusal before this share of the recovery shows that the rate is still too high."""

BETWEEN = 0.95
"""The quota is between the rate accepted since the last refusal and this share of the refused."""

STRETCH, CROWD_STRETCH = 1.25, 1.08
"""How far the rate grows above the believed quota; less with more workers."""

FASTER = 0.5
"""How much further for each second's worth of calls accepted beyond the quota's bucket."""

FIRST_BURST_S = 1.0
SHORTEST_BURST_S = 0.2
BURST_FADES = 0.9
MOVED_BURSTS = 1.25
MOVED_S = 0.5
MOVED_CALLS = 2.0
"""How much a quota's bucket adds to its rate, learnt from refusals.

If clearly more was accepted, the quota has changed: double.
"""

PULL, PULL_S = 0.3, 5.0
"""How far a worker moves towards the mean rate in this time, on a logarithmic scale."""

NEWCOMER_DOUBLING_CALLS = 1.5
MOVING_DOUBLING_S = 2.0
MOVING_DOUBLING_CALLS = 6.0
"""The rate doubles in this time; a newcomer's not before this many calls."""


class Curve(RateCurve):
    """The rate. ``anchor`` is the believed quota; ``None`` while the rate doubles."""

    def __init__(self, ceiling_per_s: float) -> None:
        super().__init__(START_PER_S, ceiling_per_s)
        self._began = False
        self.refusal_s = 0.1
        self.peers = 1
        self.fair_per_s: float | None = None
        self._dip = DEEP_DIP
        self._recovery_s = RECOVERY_S
        self._progress = 0.0
        self._held = False
        self._excess_s = 0.0
        self._burst_s = FIRST_BURST_S

    @property
    def soon(self) -> bool:
        """Whether a refusal now would come soon after a cut."""
        return self.anchor is not None and self._progress < SOON

    def advance(self, elapsed_s: float) -> None:
        """Grow for the time before a call, if the rate was what delayed the call."""
        anchor = self.anchor
        self._began = True
        if self._held:
            return
        if anchor is None:
            self._double_for(elapsed_s)
            return
        self._excess_s += (self.rate_per_s / anchor - 1.0) * elapsed_s
        self._progress += elapsed_s / self._recovery_s
        stretch = (STRETCH if self.peers == 1 else CROWD_STRETCH) + FASTER * max(
            self._excess_s / self.peers - self._burst_s, 0.0
        )
        grown = anchor * min(1.0 + self._dip * cubic(self._progress), stretch)
        self.rate_per_s = min(grown, self.ceiling_per_s)
        most_s = MOVED_BURSTS * self._burst_s + max(MOVED_S, MOVED_CALLS / anchor)
        if self._excess_s > most_s * self.peers:
            self.anchor = None

    def cut(self, at_per_s: float, delivered_per_s: float | None, *, sure: bool) -> None:
        """React to a refusal after growth; ``delivered_per_s`` is the recently accepted rate."""
        before = self.anchor or at_per_s
        if sure and delivered_per_s is not None:
            anchor = min(at_per_s, delivered_per_s)
        else:
            self._burst_s = max(self._excess_s, BURST_FADES * self._burst_s, SHORTEST_BURST_S)
            anchor = at_per_s
            if delivered_per_s is not None:
                least = min(BETWEEN * at_per_s, STRETCH * before)
                anchor = min(at_per_s, max(delivered_per_s, least))
        known = before / KNOWN < anchor < before * KNOWN
        self._dip = DIP if known else DEEP_DIP
        self._go_on(anchor, 1.0 - self._dip)

    def slow_down(self, rate_per_s: float) -> None:
        """Hold this rate."""
        self._go_on(rate_per_s, 1.0)
        self._progress = 1.0
        self._held = True

    def let_go(self) -> None:
        """Grow again."""
        self._held = False

    def double(self) -> None:
        """Search for a higher quota."""
        self.anchor = None
        self._held = False

    def remember(self, rate_per_s: float, trust: float, *, fresh: bool) -> None:
        """Start with an earlier rate; ``trust`` is 1 for a current one, 0 for an old one.

        A ``fresh`` rate is continued. Otherwise the rate doubles from between both.
        """
        self._began = True
        if fresh:
            self._go_on(rate_per_s, 1.0 - DIP)
        else:
            start_per_s = self.rate_per_s ** (1.0 - trust) * rate_per_s**trust
            self.rate_per_s = min(max(start_per_s, LOWEST_PER_S), self.ceiling_per_s)

    def hear_peers(self, count: int, mean_per_s: float, elapsed_s: float) -> None:
        """Move towards the mean rate of all who share the quota, for the time since the last."""
        self.peers = count
        self.fair_per_s = max(mean_per_s, LOWEST_PER_S) if count > 1 else None
        if self.newcomer and not self._began:
            self.rate_per_s = min(max(START_PER_S / count, LOWEST_PER_S), self.ceiling_per_s)
        if self.anchor is None or self.fair_per_s is None:
            return
        pull = (self.fair_per_s / self.rate_per_s) ** (1.0 - (1.0 - PULL) ** (elapsed_s / PULL_S))
        self.anchor *= pull
        self.rate_per_s = min(pull * self.rate_per_s, self.ceiling_per_s)

    def resume(self, at: float, anchor_per_s: float, *, slowly_s: float = 0.0) -> None:
        """Continue at a share of a rate that is known to work, and recover to it."""
        self._dip = DEEP_DIP
        self._go_on(anchor_per_s, at)
        self._recovery_s = max(self._recovery_s, slowly_s)
        self._progress = 1.0 - ((1.0 - at) / self._dip) ** (1 / 3)

    def go_back(self, rate_per_s: float, *, doubling: bool) -> None:
        """Undo cuts: their cause was unrelated to the rate."""
        self._dip = DEEP_DIP
        self._go_on(rate_per_s, 1.0)
        self._progress = 1.0
        if doubling:
            self.anchor = None

    def _doubling_s(self) -> float:
        if self.newcomer:
            return max(self._newcomer_doubling_s, NEWCOMER_DOUBLING_CALLS / self.rate_per_s)
        return max(MOVING_DOUBLING_S, MOVING_DOUBLING_CALLS / self.rate_per_s)

    def _go_on(self, anchor_per_s: float, at: float) -> None:
        self.newcomer = self._held = False
        self.anchor = max(anchor_per_s, LOWEST_PER_S)
        self._excess_s = self._progress = 0.0
        calls_per_s = self.anchor if self.fair_per_s is None else self.fair_per_s
        self._recovery_s = max(
            RECOVERY_S, RECOVERY_CALLS / calls_per_s, RECOVERY_REFUSALS * self.refusal_s
        )
        self.rate_per_s = min(max(at * self.anchor, LOWEST_PER_S), self.ceiling_per_s)
