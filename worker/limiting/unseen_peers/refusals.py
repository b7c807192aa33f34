"""What refusals say: whether they are more than usual, and what is usual.

Some services refuse a share of the calls at any rate (a dynamic shared quota). Only refusals that
slowing down removes are a reason to slow down. Whether it does cannot be seen by one of many who
share a quota: when it slows down alone, the others still cause refusals. So all slow down together,
in lulls that the clock tells; what is refused in a lull is refused at any rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

from worker.limiting.slices import SETTLED_S, Slices

LULL_MEMORY_CALLS = 1000
"""How many calls in lulls the usual share is estimated from."""

CHANCE_REFUSALS = 1
"""So many refusals in lulls may be others' whose clock is wrong: they prove nothing."""

MOST_USUAL = 0.1
LEAST_USUAL = 0.0005


class SharedSends(Slices):
    """The slices of the last minute. Refusals are booked where the call was sent."""

    def __init__(self) -> None:
        super().__init__()
        self._counted_until_s = -inf
        self._lull_refused = 0.0
        self.lull_calls = 0.0

    def forget_lull(self, since_s: float) -> None:
        """Do not learn from the calls sent since then: they were far over the quota."""
        for slice_ in reversed(self._slices):
            if slice_.began_s < since_s:
                break
            slice_.lull = False

    def usual_share(self, now_s: float) -> float:
        """Return the share that is refused at any rate, a cautious estimate of it."""
        for slice_ in self._slices:
            if not self._counted_until_s < slice_.began_s < now_s - SETTLED_S:
                continue
            self._counted_until_s = slice_.began_s
            if slice_.lull and not slice_.blocked:
                remembered = (1.0 - 1.0 / LULL_MEMORY_CALLS) ** slice_.sent
                self.lull_calls = self.lull_calls * remembered + slice_.sent
                self._lull_refused = self._lull_refused * remembered + slice_.refused
        usual = (self._lull_refused - CHANCE_REFUSALS) / max(self.lull_calls, 1.0)
        return min(max(usual, LEAST_USUAL), MOST_USUAL)


@dataclass(slots=True)
class SharedSuspicion:
    """Page's test (CUSUM) for refusals in excess of the usual share.

    It adds up how much likelier each call's fate is if ``excess`` is refused on top of ``usual``
    than if only ``usual`` is, and never falls below 0. While nothing is usual, the first refusal is
    proof; where 5 % are, it takes several close together.
    """

    usual: float = LEAST_USUAL
    excess: float = 0.05
    evidence: float = 0.0

    PROOF = 4.0

    def sent(self) -> None:
        """Count a call as accepted, until its refusal says otherwise."""
        self.evidence = max(0.0, self.evidence - self.excess)

    def refused(self) -> bool:
        """Count a refusal; return whether there is proof."""
        self.evidence += log((self.usual + self.excess) / self.usual) + self.excess
        return self.evidence >= self.PROOF
