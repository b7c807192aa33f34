"""Derives from latencies how many calls may be in progress, and whether they queue at the model.

Latency that grows with the rate shows a queue at the model: slow down. Latency that remains after
the rate was cut is the model's own: it becomes the usual one.
"""

from __future__ import annotations

from math import exp, log

BATCH = 64
FIRST_BATCH = 8
FIRST_BATCHES = 3
BIASED = 2.5
"""While the rate grows fast, quick answers arrive first: usual latency may grow this much."""
LONGER = 1.25
"""Answers that take this many times as long as usual prevent growth."""

QUEUED = 1.5
QUEUED_S = 1.0
"""Answers that take this many times as long as usual, and this much longer, waited in a queue.

Shorter queues do no harm; a model on the same machine is faster with them.
"""

HEADROOM = 2.0
SPARE = 4


class RoundTrip:
    """The usual latency, from batches of answers; after a cut, only from calls sent after it."""

    def __init__(self) -> None:
        self.mean_s: float | None = None
        self.longer = False
        self.answered_per_s = 0.0
        self._usual_s = 0.0
        self._before_cut_s: float | None = None
        self._first_s = self._sum_s = self._sum_logs = 0.0
        self._count = self._batches = 0
        self._heed_after_s = self._heed_from_s = 0.0

    def answered(self, sent_s: float, latency_s: float, now_s: float) -> bool:
        """Count an answer; return whether a batch of them shows a queue at the model."""
        if sent_s < self._heed_after_s or now_s < self._heed_from_s:
            return False
        if not self._count:
            self._first_s = now_s
        self._count += 1
        self._sum_s += latency_s
        self._sum_logs += log(max(latency_s, 1e-6))
        if self._count < (FIRST_BATCH if self.mean_s is None else BATCH):
            return False
        self.answered_per_s = self._count / max(now_s - self._first_s, 1e-3)
        mean_s, typical_s = self._sum_s / self._count, exp(self._sum_logs / self._count)
        self._begin(now_s)
        queued = self._judge(mean_s, typical_s)
        if queued:
            self._heed_after_s, self._heed_from_s = now_s, now_s + 2.0 * mean_s
        return queued

    def cap(self, rate_per_s: float) -> float:
        """Return how many calls may be in progress at this rate."""
        if self.mean_s is None:
            return float("inf")
        return HEADROOM * rate_per_s * self.mean_s + SPARE

    def _begin(self, now_s: float) -> None:
        self._first_s = now_s
        self._count = 0
        self._sum_s = self._sum_logs = 0.0

    def _judge(self, mean_s: float, typical_s: float) -> bool:
        before_cut_s, self._before_cut_s = self._before_cut_s, None
        self._batches += 1
        unmoved = before_cut_s is not None and typical_s > 0.9 * before_cut_s
        usual_s = self._usual_s or typical_s
        first = self._batches <= FIRST_BATCHES and 1.0 < typical_s / usual_s < BIASED
        if unmoved or first or self.mean_s is None:
            self.mean_s, self._usual_s, self.longer = mean_s, typical_s, False
            return False
        if typical_s > QUEUED * self._usual_s + QUEUED_S:
            self._before_cut_s = typical_s
            self.longer = True
            return True
        self.longer = typical_s > LONGER * self._usual_s
        weight = 0.02 if self.longer else 0.2
        self._usual_s += weight * (typical_s - self._usual_s)
        self.mean_s += weight * (mean_s - self.mean_s)
        return False
