"""Derives an upper bound of the quota from the delays that refusals request.

A bucket requests a delay until its next call. Since the last accepted call it has earned at most
one; between the ends of two delays, it grants exactly the quota.
"""

from __future__ import annotations

from math import inf

from worker.limiting.slices import SLICE_S, Slices

BUCKET_CALLS = 1.5
"""A delay as long as this many calls shows a quota counted in windows, which gives no bound."""


class Waits:
    """The delays that refusals requested."""

    def __init__(self) -> None:
        self._until_s = -inf

    def most_per_s(self, now_s: float, wait_s: float, sends: Slices) -> float:
        """Return an upper bound of the quota; ``inf`` if this delay gives none."""
        until_s = now_s + wait_s
        since_s = max(self._until_s, sends.oldest_s())
        through = sends.accepted_since(since_s)
        mean_per_s = through / max(until_s - since_s, SLICE_S)
        if not through or wait_s * mean_per_s > BUCKET_CALLS:
            return inf
        self._until_s = until_s
        return max(1.0 / (until_s - sends.last_accepted_s()), mean_per_s)
