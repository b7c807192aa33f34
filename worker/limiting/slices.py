"""The outcomes of recent calls, from which both policies learn."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

SLICE_S = 0.1
SLICE_CALLS = 20
"""Calls sent within this time at one rate form one slice, up to this number: at a high rate, a
block is detected sooner.
"""

MEMORY_S = 60.0
"""How long slices are kept, in seconds: the window of quotas counted by the minute."""

SETTLED_S = 0.5
"""A call not refused within this time, in seconds, counts as accepted; refusals are quick."""


@dataclass(slots=True)
class Slice:
    """Consecutive calls at one rate, and their outcomes as far as known.

    ``lull``: all workers sent less at that time; ``blocked``: no call succeeded. ``pace_per_s`` and
    ``period`` are those of the lull, if lulls are counted in periods.
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
        """Whether no call succeeded."""
        return self.refused + self.failed >= self.sent

    @property
    def accepted(self) -> int:
        """How many calls succeeded."""
        return self.sent - self.refused - self.failed


class Slices:
    """The kept slices. A refusal counts at the time when its call was sent."""

    def __init__(self, at_least: int = 0, *, blocks_count: bool = True) -> None:
        """Keep at least this many; ``blocks_count``: a block counts as refusals too."""
        self._slices: deque[Slice] = deque()
        self._at_least = at_least
        self._blocks_count = blocks_count

    def sent(self, now_s: float, rate_per_s: float, *, lull: bool = False) -> None:
        """Record a call."""
        if self._is_full(now_s):
            self._begin(Slice(now_s, rate_per_s, lull=lull))
        self._slices[-1].sent += 1

    def _is_full(self, now_s: float) -> bool:
        """Whether a call sent now starts a new slice."""
        last = self._slices[-1] if self._slices else None
        return last is None or last.sent >= SLICE_CALLS or now_s - last.began_s >= SLICE_S

    def _begin(self, slice_: Slice) -> None:
        """Start a slice, and drop old ones, except for the minimum."""
        slices = self._slices
        slices.append(slice_)
        while slices[0].began_s < slice_.began_s - MEMORY_S and len(slices) > self._at_least:
            slices.popleft()

    def at(self, sent_s: float) -> Slice | None:
        """Return the slice of a call sent at this time, if it is kept."""
        return next(
            (slice_ for slice_ in reversed(self._slices) if slice_.began_s <= sent_s + 1e-9), None
        )

    def lost_up_to(self, sent_s: float) -> list[Slice]:
        """Return the consecutive slices without success up to this time, latest first."""
        row: list[Slice] = []
        waiting = True  # this slice may wait for the outcome of some of its calls
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
        """Return the accepted rate over the last minute, or since this time if that is shorter."""
        begin_s = max(since_s, now_s - MEMORY_S)
        accepted = sum(slice_.accepted for slice_ in self._slices if slice_.began_s >= begin_s)
        return accepted / max(now_s - begin_s, SLICE_S)

    def oldest_s(self) -> float:
        """Return the time of the oldest kept call."""
        return self._slices[0].began_s if self._slices else inf

    def accepted_since(self, begin_s: float) -> int:
        """Return how many calls sent since then were not refused, as far as known."""
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
