"""What became of the calls that were sent lately: what both policies learn from."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

SLICE_S = 0.1
SLICE_CALLS = 20
"""Calls sent within this time at one rate are counted together, and no more than so many: at a high
rate it is seen sooner that nothing goes through."""

MEMORY_S = 60.0
"""How long slices are remembered: the window of quotas that are counted by the minute."""

SETTLED_S = 0.5
"""After this time a call that was not refused counts as accepted; refusals are quick."""


@dataclass(slots=True)
class Slice:
    """Calls sent one after the other at one rate, and what became of them as far as is known.

    ``lull`` says that all workers sent less at that time, ``blocked`` that nothing went through.
    ``pace_per_s`` and ``period`` are of the lull, where lulls are counted in periods.
    """

    began_s: float
    rate_per_s: float
    pace_per_s: float = 0.0
    period: int = 0
    lull: bool = False
    sent: int = 0
    refused: int = 0
    failed: int = 0
    blocked: bool = False

    @property
    def lost(self) -> bool:
        """Whether not one call went through."""
        return self.refused + self.failed >= self.sent

    @property
    def accepted(self) -> int:
        """How many calls went through."""
        return self.sent - self.refused - self.failed


class Slices:
    """The slices that are remembered. Refusals are booked where the call was sent."""

    def __init__(self, at_least: int = 0, *, blocks_count: bool = True) -> None:
        """Remember at least so many; ``blocks_count``: refusals of everything are a share, too."""
        self._slices: deque[Slice] = deque()
        self._at_least = at_least
        self._blocks_count = blocks_count

    def sent(self, now_s: float, rate_per_s: float, *, lull: bool = False) -> None:
        """Book a call."""
        if self._is_full(now_s):
            self._begin(Slice(now_s, rate_per_s, lull=lull))
        self._slices[-1].sent += 1

    def _is_full(self, now_s: float) -> bool:
        """Whether a call that is sent now begins a slice."""
        last = self._slices[-1] if self._slices else None
        return last is None or last.sent >= SLICE_CALLS or now_s - last.began_s >= SLICE_S

    def _begin(self, slice_: Slice) -> None:
        """Begin a slice, and forget those that are too old, but for so many."""
        slices = self._slices
        slices.append(slice_)
        while slices[0].began_s < slice_.began_s - MEMORY_S and len(slices) > self._at_least:
            slices.popleft()

    def at(self, sent_s: float) -> Slice | None:
        """Return the slice of a call that was sent then, if it is remembered."""
        return next(
            (slice_ for slice_ in reversed(self._slices) if slice_.began_s <= sent_s + 1e-9), None
        )

    def lost_up_to(self, sent_s: float) -> list[Slice]:
        """Return the row of slices up to this time of which no call went through, latest first."""
        row: list[Slice] = []
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

    def accepted_per_s(self, now_s: float, since_s: float) -> float:
        """Return the rate of accepted calls over the last minute, or since then if that is less."""
        begin_s = max(since_s, now_s - MEMORY_S)
        accepted = sum(slice_.accepted for slice_ in self._slices if slice_.began_s >= begin_s)
        return accepted / max(now_s - begin_s, SLICE_S)

    def oldest_s(self) -> float:
        """Return since when calls are remembered."""
        return self._slices[0].began_s if self._slices else inf

    def accepted_since(self, begin_s: float) -> int:
        """Return how many calls sent from then on were not refused, as far as is known."""
        return sum(slice_.accepted for slice_ in self._slices if slice_.began_s >= begin_s)

    def last_accepted_s(self) -> float:
        """Return when the last of them was sent; ``-inf`` if there is none."""
        accepted = (slice_.began_s for slice_ in reversed(self._slices) if slice_.accepted)
        return next(accepted, -inf)

    def share_refused(self, now_s: float) -> float:
        """Return the share of the last minute's calls that was refused."""
        settled_s = now_s - SETTLED_S
        sent = refused = 0
        for slice_ in self._slices:
            if slice_.began_s >= settled_s:
                break
            if self._blocks_count or not slice_.blocked:
                sent += slice_.sent
                refused += slice_.refused
        return refused / max(sent, 1)
