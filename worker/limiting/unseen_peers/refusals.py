"""What refusals say: whether they are more than usual, and what is usual.

Some services refuse a share of the calls at any rate (a dynamic shared quota). Only refusals that
slowing down removes are a reason to slow down. Whether it does cannot be seen by one of many who
share a quota: when it slows down alone, the others still cause refusals. So all slow down together,
in lulls that the clock tells; what is refused in a lull is refused at any rate.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf, log

SLICE_S = 0.1
SLICE_CALLS = 20
"""Calls sent within this time at one rate are counted together, and no more than so many: at a high
rate it is seen sooner that nothing goes through."""

MEMORY_S = 60.0
"""How long slices are remembered: the window of quotas that are counted by the minute."""

SETTLED_S = 0.5
"""After this time a call that was not refused counts as accepted; refusals are quick."""

LULL_MEMORY_CALLS = 1000
"""How many calls in lulls the usual share is estimated from."""

CHANCE_REFUSALS = 1
"""So many refusals in lulls may be others' whose clock is wrong: they prove nothing."""

MOST_USUAL = 0.1
LEAST_USUAL = 0.0005


@dataclass(slots=True)
class SharedSlice:
    """Calls sent one after the other at one rate, and what became of them as far as is known."""

    began_s: float
    rate_per_s: float
    sent: int = 0
    refused: int = 0
    failed: int = 0
    lull: bool = False
    blocked: bool = False

    @property
    def lost(self) -> bool:
        """Whether not one call went through."""
        return self.refused + self.failed >= self.sent


class SharedSends:
    """The slices of the last minute. Refusals are booked where the call was sent."""

    def __init__(self) -> None:
        self._slices: deque[SharedSlice] = deque()
        self._counted_until_s = -inf
        self._lull_refused = 0.0
        self.lull_calls = 0.0

    def sent(self, now_s: float, rate_per_s: float, *, lull: bool) -> None:
        """Book a call."""
        slices = self._slices
        last = slices[-1] if slices else None
        if last is None or last.sent >= SLICE_CALLS or now_s - last.began_s >= SLICE_S:
            slices.append(SharedSlice(now_s, rate_per_s, lull=lull))
            while slices[0].began_s < now_s - MEMORY_S:
                slices.popleft()
        slices[-1].sent += 1

    def at(self, sent_s: float) -> SharedSlice | None:
        """Return the slice of a call that was sent then, if it is remembered."""
        return next(
            (slice_ for slice_ in reversed(self._slices) if slice_.began_s <= sent_s + 1e-9), None
        )

    def lost_up_to(self, sent_s: float) -> list[SharedSlice]:
        """Return the row of slices up to this time of which no call went through, latest first."""
        row: list[SharedSlice] = []
        waiting = True  # the slice of this time may wait for the fate of some of its calls
        for slice_ in reversed(self._slices):
            if slice_.began_s > sent_s + 1e-9:
                continue
            if slice_.lost:
                row.append(slice_)
            elif not waiting:
                break
            waiting = False
        return row

    def forget_lull(self, since_s: float) -> None:
        """Do not learn from the calls sent since then: they were far over the quota."""
        for slice_ in reversed(self._slices):
            if slice_.began_s < since_s:
                break
            slice_.lull = False

    def accepted_per_s(self, now_s: float, since_s: float) -> float:
        """Return the rate of accepted calls over the last minute, or since then if that is less."""
        begin_s = max(since_s, now_s - MEMORY_S)
        accepted = sum(
            slice_.sent - slice_.refused - slice_.failed
            for slice_ in self._slices
            if slice_.began_s >= begin_s
        )
        return accepted / max(now_s - begin_s, SLICE_S)

    def share_refused(self, now_s: float) -> float:
        """Return the share of the last minute's calls that was refused."""
        known = [slice_ for slice_ in self._slices if slice_.began_s < now_s - SETTLED_S]
        sent = sum(slice_.sent for slice_ in known)
        return sum(slice_.refused for slice_ in known) / max(sent, 1)

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
