"""What refusals say: whether they are more than usual, and what is usual.

Some services refuse a share of the calls at any rate (a dynamic shared quota). Only refusals that
slowing down removes are a reason to slow down. Whether it does cannot be seen by one of many who
share a quota: when it slows down alone, the others still cause refusals. So all slow down together,
in lulls that the clock tells; what is refused in a lull is refused at any rate, if the lull was far
below what went through after it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from math import inf, log, sqrt

from worker.limiting.seen_peers.lulls import Beat
from worker.limiting.slices import SETTLED_S, SLICE_S, Slice, Slices

MEMORY_SLICES = 100
"""Where calls are rare, so many slices are remembered, however old."""

LATELY_SLICES = 40
"""What goes through is measured over so many slices."""

MEMORY_CALLS, CONTRADICTION = 300, 2.0
"""How many calls in lulls the usual share is estimated from, and by how many standard deviations
new ones must differ to replace the old."""

CHANCE_REFUSALS = 1.0
"""So many refusals in lulls may be others' whose clock is wrong: they prove nothing."""

FAR_BELOW = 0.8
"""Refusals at this share of the rate that goes through do not depend on the rate."""

LEAST_CALLS = 8
"""So many calls in lulls must be known."""

MOST_USUAL = 0.6
LEAST_USUAL = 0.0005

EXCESS, LEAST_EXCESS = 0.05, 0.025
EXCESS_OF_USUAL = 0.2
"""A share of refusals so far above the usual one is looked for."""


@dataclass(slots=True)
class RefusalTally:
    """Calls and their refusals, the older the lighter."""

    sent: float = 0.0
    refused: float = 0.0

    def add(self, sent: int, refused: int) -> None:
        """Count calls. What contradicts all that came before replaces it."""
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
    """The slices of the last minute. Refusals are booked where the call was sent."""

    def __init__(self) -> None:
        super().__init__(MEMORY_SLICES, blocks_count=False)
        self._counted = 0
        self._split = False
        self.lulls = RefusalTally()

    def split(self) -> None:
        """Count the calls from now on apart."""
        self._split = True

    def sent_at(self, now_s: float, rate_per_s: float, beat: Beat) -> None:
        """Book a call, which was sent at this rate, or at the pace of a lull."""
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
        """Return how many calls were sent from then on, and how many of them were refused."""
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
        """Return the rate at which calls went through lately."""
        return self._through_per_s(list(islice(reversed(self._slices), LATELY_SLICES)))

    def usual_share(self, now_s: float) -> float:
        """Return the share that is refused at any rate, a cautious estimate of it."""
        self._count_periods(now_s - SETTLED_S)
        if self.lulls.sent < LEAST_CALLS:
            return LEAST_USUAL
        usual = (self.lulls.refused - CHANCE_REFUSALS) / max(self.lulls.sent, 1.0)
        return usual if LEAST_USUAL < usual < MOST_USUAL else LEAST_USUAL

    def _count_periods(self, settled_s: float) -> None:
        """Count the lulls of the periods that are over, where they were far below the quota."""
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
        """Take refusals for usual, whatever lulls said."""
        self.lulls = RefusalTally(calls, refused + CHANCE_REFUSALS)

    def forget_usual(self) -> None:
        """Learn anew what is usual."""
        self.lulls = RefusalTally()


class Suspicion:
    """Page's test (CUSUM) for refusals in excess of the usual share.

    It adds up how much likelier each call's fate is if ``excess`` is refused on top of ``usual``
    than if only ``usual`` is, and never falls below 0. While nothing is usual, the first refusal is
    proof; where 5 % are, it takes several close together.
    """

    PROOF = 4.0

    def __init__(self) -> None:
        self.evidence = 0.0
        self.since_s = -inf
        self.expect(LEAST_USUAL)

    def expect(self, usual: float, excess: float | None = None) -> None:
        """Set what is usual."""
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
