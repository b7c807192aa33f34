"""Estimates which share of refusals is usual, and detects refusals beyond it.

Some services refuse a share of the calls at any rate (a dynamic shared quota). Refusals are a
reason to slow down only if slowing down removes them. A single worker among many cannot test that:
while it slows down, the others still cause refusals. So all slow down together, in lulls of the
clock; refusals in a lull are usual, if the lull was far below the rate accepted after it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from math import inf, log, sqrt

from worker.limiting.seen_peers.lulls import Beat
from worker.limiting.slices import SETTLED_S, SLICE_S, Slice, Slices

MEMORY_SLICES = 100
"""Where calls are rare, this many slices are kept at any age."""

LATELY_SLICES = 40
"""The accepted rate is measured over this many slices."""

MEMORY_CALLS, CONTRADICTION = 300, 2.0
"""The number of calls in lulls for the usual share, and the standard deviations by which new ones
must differ to replace the old ones.
"""

CHANCE_REFUSALS = 1.0
"""This many refusals in lulls prove nothing: they may come from a worker with a wrong clock."""

FAR_BELOW = 0.8
"""Refusals at this share of the accepted rate do not depend on the rate."""

LEAST_CALLS = 8
"""The number of calls in lulls that is required."""

MOST_USUAL = 0.6
LEAST_USUAL = 0.0005

EXCESS, LEAST_EXCESS = 0.05, 0.025
EXCESS_OF_USUAL = 0.2
"""The excess over the usual share that is detected."""


@dataclass(slots=True)
class RefusalTally:
    """Calls and their refusals, weighted by recency."""

    sent: float = 0.0
    refused: float = 0.0

    def add(self, sent: int, refused: int) -> None:
        """Count calls; those that contradict all earlier ones replace them."""
        due = self.share * sent
        if abs(refused - due) > CONTRADICTION * sqrt(due * (1.0 - self.share)) + 1.0:
            self.sent = self.refused = 0.0
        remembered = (1.0 - 1.0 / MEMORY_CALLS) ** sent
        self.sent = self.sent * remembered + sent
        self.refused = self.refused * remembered + refused

    @property
    def share(self) -> float:
        """The share that was refused."""
        return min(self.refused / max(self.sent, 1.0), 1.0)


class RecentSends(Slices):
    """The slices of the last minute. A refusal counts at the time when its call was sent."""

    def __init__(self) -> None:
        super().__init__(MEMORY_SLICES, blocks_count=False)
        self._counted = 0
        self._split = False
        self.lulls = RefusalTally()

    def split(self) -> None:
        """Count the following calls separately."""
        self._split = True

    def sent_at(self, now_s: float, rate_per_s: float, beat: Beat) -> None:
        """Record a call sent at this rate, or in a lull."""
        if (
            self._split
            or self._is_full(now_s)
            or (last := self._slices[-1]).lull is not beat.lull
            or last.period != beat.period
        ):
            self._split = False
            self._begin(Slice(now_s, rate_per_s, beat.pace_per_s, beat.period, beat.lull))
        self._slices[-1].sent += 1

    def since(
        self, begin_s: float, until_s: float = inf, *, in_lulls: bool = False
    ) -> tuple[int, int]:
        """Return how many calls were sent since then, and how many of them were refused."""
        sent = refused = 0
        for slice_ in reversed(self._slices):
            if slice_.began_s < begin_s:
                break
            if slice_.began_s <= until_s and ((slice_.lull and slice_.period) or not in_lulls):
                sent += slice_.sent
                refused += slice_.refused
        return sent, refused

    @staticmethod
    def _through_per_s(slices: Collection[Slice]) -> float:
        accepted = sum(each.accepted for each in slices)
        time_s = sum(each.sent / each.pace_per_s for each in slices)
        return (accepted - 1) / max(time_s, SLICE_S)

    def through_lately_per_s(self) -> float:
        """Return the recently accepted rate."""
        return self._through_per_s(list(islice(reversed(self._slices), LATELY_SLICES)))

    def usual_share(self, now_s: float) -> float:
        """Return a conservative estimate of the share refused at any rate."""
        self._count_periods(now_s - SETTLED_S)
        if self.lulls.sent < LEAST_CALLS:
            return LEAST_USUAL
        usual = (self.lulls.refused - CHANCE_REFUSALS) / max(self.lulls.sent, 1.0)
        return usual if LEAST_USUAL < usual < MOST_USUAL else LEAST_USUAL

    def _count_periods(self, settled_s: float) -> None:
        """Count the lulls of past periods that were far below the quota."""
        periods: dict[int, list[Slice]] = {}
        for each in self._slices:
            if each.period > self._counted:
                periods.setdefault(each.period, []).append(each)
        if periods and self._slices[-1].period == max(periods):
            periods.pop(max(periods))
        for period, slices in periods.items():
            if slices[-1].began_s > settled_s:
                continue
            self._counted = period
            most_per_s = FAR_BELOW * self._through_per_s([each for each in slices if not each.lull])
            quiet = [
                each
                for each in slices
                if each.lull and not each.blocked and each.pace_per_s <= most_per_s
            ]
            if quiet:
                self.lulls.add(
                    sum(each.sent for each in quiet), sum(each.refused for each in quiet)
                )

    def learn(self, calls: int, refused: int) -> None:
        """Declare refusals usual, whatever lulls showed."""
        self.lulls = RefusalTally(calls, refused + CHANCE_REFUSALS)

    def forget_usual(self) -> None:
        """Start to learn the usual share again."""
        self.lulls = RefusalTally()


class Suspicion:
    """Page's test (CUSUM) for refusals beyond the usual share.

    It accumulates how much more likely each outcome is if ``excess`` is refused in addition to
    ``usual`` than if only ``usual`` is, and never falls below 0. While nothing is usual, the first
    refusal is proof; if 5 % are, it takes several close together.
    """

    PROOF = 4.0

    def __init__(self) -> None:
        self.evidence = 0.0
        self.since_s = -inf
        self.expect(LEAST_USUAL)

    def expect(self, usual: float, excess: float | None = None) -> None:
        """Set the usual share."""
        least = EXCESS if usual <= LEAST_USUAL else LEAST_EXCESS
        more = max(least, EXCESS_OF_USUAL * usual) if excess is None else excess
        more = min(more, (1.0 - usual) / 2.0)
        self._accepted = log((1.0 - usual - more) / (1.0 - usual))
        self._refused = log((usual + more) / usual)

    def sent(self, now_s: float) -> None:
        """Count a call as accepted, until its refusal says otherwise."""
        self.evidence += self._accepted
        if self.evidence <= 0.0:
            self.evidence = 0.0
            self.since_s = now_s

    def refused(self) -> bool:
        """Count a refusal; return whether there is proof."""
        self.evidence += self._refused - self._accepted
        return self.evidence >= self.PROOF
