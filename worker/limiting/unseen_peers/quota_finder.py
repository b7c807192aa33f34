"""Finds a quota that unseen others may share: a state machine without a clock.

Each call is reported with the time when it is sent and when it ends; ``wait_s`` returns when the
next one may be sent. Refusals change the rate, latencies the cap on calls in progress, and while no
call succeeds at all, single probes find out when that ends.
"""

from __future__ import annotations

from math import inf

from worker.limiting.policy import (
    CREDIT_S,
    NEWCOMER_EXCESS,
    NEWCOMER_USUAL,
    RESUME_AFTER_REFUSALS,
    WINDOW_BLOCK_S,
    LimiterPolicy,
)
from worker.limiting.probing import Probing
from worker.limiting.slices import MEMORY_S, Slice
from worker.limiting.unseen_peers.growth import SharedCurve
from worker.limiting.unseen_peers.refusals import (
    LEAST_USUAL,
    MOST_USUAL,
    SharedSends,
    SharedSuspicion,
)

BLOCKED_CALLS = 8
"""This many calls in a row that were all refused or failed mean that the quota is blocked."""

EXCESS = 0.05
"""The excess over the usual share that is detected."""

OVERLOAD = 0.3
"""Refusals this far above what may be usual come from the rate, and teach nothing else."""

LULL = 0.7
LULL_S = 2.0
LULL_EVERY_S = 5.0
LULL_MARGIN_S = 0.2
"""Every 5 s of the clock, the rate is lower for 2 s; clocks may differ by the margin.

The calls not sent stay in the quota's bucket, so nothing is lost.
"""

LULLS_ABOVE = 0.01
"""There are lulls only while more than this share of the calls is refused."""

USUAL_IN_LULLS = 0.002
"""The least share assumed to be usual while there are lulls.

Others cause refusals then, or they are random, and the first is no proof.
"""

HINT = 0.93
HINTS_BELOW = 0.05
"""A refusal that is no proof cuts the rate by this much, until the usual share is known; above this
share, refusals do not come from a crowd, and cut nothing.
"""

CONVINCING_CALLS = 150
"""After this many calls in lulls, it is known whether refusals are usual."""

LEARNT = 0.002


class SharedQuotaFinder(LimiterPolicy):
    """The limiter's policy if peers are unseen. ``rate_per_s`` 0 means no configured ceiling."""

    _curve: SharedCurve
    _sends: SharedSends

    def __init__(
        self, in_flight: int, rate_per_s: float = 0.0, *, clock_ahead_s: float = 0.0
    ) -> None:
        super().__init__(in_flight, SharedCurve(rate_per_s or inf), SharedSends(), LEAST_USUAL)
        self._clock_ahead_s = clock_ahead_s
        self._suspicion = SharedSuspicion(NEWCOMER_USUAL, NEWCOMER_EXCESS)
        self._overload = SharedSuspicion(MOST_USUAL, OVERLOAD)
        self._hinted_s = -inf

    def _sent(self, now_s: float) -> None:
        self._grow(now_s)
        rate_per_s = self._curve.rate_per_s
        self._sent_s = now_s
        beat_s, lull = self._beat(now_s, rate_per_s)
        self._next_s = max(self._next_s, now_s - CREDIT_S) + beat_s
        self._sends.sent(now_s, 1.0 / beat_s, lull=lull)
        self._tune(now_s)
        newcomer = self._curve.newcomer
        least = USUAL_IN_LULLS if self._share > LULLS_ABOVE else LEAST_USUAL
        self._suspicion.usual = max(self._usual, NEWCOMER_USUAL if newcomer else least)
        self._suspicion.excess = NEWCOMER_EXCESS if newcomer else EXCESS
        self._suspicion.sent()
        self._overload.sent()

    def _slow_down(self, now_s: float) -> None:
        self._cut(now_s, min(self._curve.rate_per_s, self._round_trip.answered_per_s))

    def _weigh_refusal(self, now_s: float, sent_s: float, where: Slice) -> None:
        if self._overload.refused():
            self._overload.evidence = 0.0
            self._sends.forget_lull(now_s - LULL_S)
        if sent_s >= self._cut_s:
            at_per_s = min(where.rate_per_s, self._curve.rate_per_s)
            if self._suspicion.refused():
                self._slowed = "the model refused more than usual"
                self._cut(now_s, at_per_s)
            elif sent_s > max(self._cut_s, self._hinted_s):
                self._hint(now_s, at_per_s)

    def _beat(self, now_s: float, rate_per_s: float) -> tuple[float, bool]:
        """Return the seconds to the next call, and whether it counts for the usual share."""
        if self._share > LULLS_ABOVE or self._usual > LEAST_USUAL:
            into_s = (now_s + self._clock_ahead_s) % LULL_EVERY_S
            if into_s < LULL_S:
                return 1.0 / (LULL * rate_per_s), LULL_MARGIN_S < into_s < LULL_S - LULL_MARGIN_S
        return 1.0 / rate_per_s, False

    def _cut(self, now_s: float, refused_at_per_s: float) -> None:
        self._cut_s = now_s
        self._curve.cut(refused_at_per_s)
        self._suspicion.evidence = 0.0
        self._next_s = max(self._next_s, now_s + 1.0 / self._curve.rate_per_s)

    def _hint(self, now_s: float, refused_at_per_s: float) -> None:
        """React to a refusal that is no proof, if a crowd may be its cause."""
        if self._curve.newcomer or self._usual > LEAST_USUAL or self._share >= HINTS_BELOW:
            return
        self._hinted_s = now_s
        self._curve.resume(HINT, refused_at_per_s)
        self._next_s = max(self._next_s, now_s + 1.0 / self._curve.rate_per_s)

    def _blocks(self, row: list[Slice]) -> bool:
        return len(row) >= 2 and sum(slice_.sent for slice_ in row) >= BLOCKED_CALLS

    def _reopen(self, now_s: float, probing: Probing) -> None:
        pace = self._sends.accepted_per_s(now_s, self._resumed_s)
        windowed = now_s - probing.began_s > WINDOW_BLOCK_S
        slowly_s = min(MEMORY_S, now_s - self._resumed_s) if windowed else 0.0
        self._curve.resume(RESUME_AFTER_REFUSALS, pace, slowly_s=slowly_s)

    def _resumed(self, now_s: float, probing: Probing) -> None:
        super()._resumed(now_s, probing)
        self._suspicion.evidence = 0.0

    def _learn(self, now_s: float) -> None:
        self._usual = self._sends.usual_share(now_s)
        sure = min(1.0, self._sends.lull_calls / CONVINCING_CALLS)
        self._curve.caution = 0.0 if self._usual > LEARNT else sure
