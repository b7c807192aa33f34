"""A histogram that is cheap to record: fixed buckets, no attributes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import inf


class Histogram:
    """Counts of values between bounds; a bucket includes its upper bound, as in OpenTelemetry.

    Recorded in one thread and read in others: a reader may miss the latest value.
    """

    __slots__ = ("bounds", "counts", "least", "most", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0
        self.least, self.most = inf, -inf

    def record(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts)
