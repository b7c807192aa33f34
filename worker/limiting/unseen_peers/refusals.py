"""Estimates which share of refusals is usual, and detects refusals beyond it.

Some services refuse a share of the calls at any rate (a dynamic shared quota). Refusals are a
reason to slow down only if slowing down removes them. A single worker among many cannot test that:
while it slows down, the others still cause refusals. So all slow down together, in lulls of the
clock; refusals in a lull are usual.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

from worker.limiting.slices import SETTLED_S, Slices

LULL_MEMORY_CALLS = 1000
"""The number of calls in lulls from which the usual share is estimated."""

CHANCE_REFUSALS = 1
"""This many refusals in lulls prove nothing: they may come from a worker with a wrong clock."""

MOST_USUAL = 0.1
LEAST_USUAL = 0.0005


class SharedSends(Slices):
    """The slices of the last minute. A refusal counts at the time when its call was sent."""

    def __init__(self) -> None:
        super().__init__()
        self._counted_until_s = -inf
        self._lull_refused = 0.0
        self.lull_calls = 0.0

    def forget_lull(self, since_s: float) -> None:
        """Ignore the calls sent since then: they were far above the quota."""
        for slice_ in reversed(self._slices):
            if slice_.began_s < since_s:
                break
            slice_.lull = False

    def usual_share(self, now_s: float) -> float:
        """Return a conservative estimate of the share refused at any rate."""
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
    """Page's test (CUSUM) for refusals beyond the usual share.

    It accumulates how much more likely each outcome is if ``excess`` is refused in addition to
    ``usual`` than if only ``usual`` is, and never falls below 0. While nothing is usual, the first
    refusal is proof; if 5 % are, it takes several close together.
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
