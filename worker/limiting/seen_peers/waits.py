"""What a quota can be at most, from refusals that say how long to wait.

A bucket asks to wait for its next call. Since the last one that went through it cannot have earned
more than one; and between the ends of two waits it gave exactly what the quota is.
"""

from __future__ import annotations

from math import inf

from worker.limiting.slices import SLICE_S, Slices

BUCKET_CALLS = 1.5
"""Who asks to wait for as long as more calls take counts in windows: the rate stays unknown."""


class Waits:
    """The waits that refusals asked for."""

    def __init__(self) -> None:
        self._until_s = -inf

    def most_per_s(self, now_s: float, wait_s: float, sends: Slices) -> float:
        """Return the most that the quota can be; ``inf`` where this wait tells nothing."""
        until_s = now_s + wait_s
        since_s = max(self._until_s, sends.oldest_s())
        through = sends.accepted_since(since_s)
        mean_per_s = through / max(until_s - since_s, SLICE_S)
        if not through or wait_s * mean_per_s > BUCKET_CALLS:
            return inf
        self._until_s = until_s
        return max(1.0 / (until_s - sends.last_accepted_s()), mean_per_s)
