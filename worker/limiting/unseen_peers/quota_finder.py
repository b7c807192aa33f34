"""Finds a quota that unseen others may share: a state machine without a clock.

Each call is reported when it is sent and when it is done, with the time; ``wait_s`` says when the
next may go. Refusals move the rate, latencies move the cap on calls under way, and when nothing
goes through at all, single probes look for the end of it.
"""

from __future__ import annotations

from math import inf

from worker.limiting.latencies import RoundTrip
from worker.limiting.limiter import LimiterSnapshot, LimiterState, Outcome, Sample
from worker.limiting.probing import Probing
from worker.limiting.unseen_peers.growth import SharedCurve
from worker.limiting.unseen_peers.refusals import (
    LEAST_USUAL,
    MEMORY_S,
    MOST_USUAL,
    SharedSends,
    SharedSuspicion,
)

NOTHING_S = 1e-6
"""A wait that is no wait: sums of floating-point times are not exact."""

CREDIT_S = 0.05
"""A call that is late may be made up for within this time. It is the longest burst."""

NEWCOMER_USUAL = 0.02
NEWCOMER_EXCESS = 0.2
"""While the rate doubles only a share of refusals as high as this ends it: those that others cause
are fewer, and a newcomer that heeded them would starve."""

BLOCKED_CALLS = 8
"""So many calls in a row that were all refused or failed: nothing goes through."""

SILENCE_S = 2.0
SILENT_ROUND_TRIPS = 4.0
WINDOW_BLOCK_S = 3.0
"""A quota that refuses everything for longer is counted in windows, not by a bucket."""

RESUME_AFTER_FAILURES = 0.9
RESUME_AFTER_REFUSALS = 0.98
LEARN_EVERY_S = 1.0


EXCESS = 0.05
"""A share of refusals so far above the usual one is looked for."""

OVERLOAD = 0.3
"""Refusals so far above what may be usual come from the rate; nothing else is learnt from them."""

LULL = 0.7
LULL_S = 2.0
LULL_EVERY_S = 5.0
LULL_MARGIN_S = 0.2
"""Every 5 s of the clock the rate is lower for 2 s; clocks may differ by the margin. What is not
sent meanwhile stays in the quota's bucket, so that nothing is lost."""

LULLS_ABOVE = 0.01
"""There are lulls only while more than this share of the calls is refused."""

USUAL_IN_LULLS = 0.002
"""So much is held to be usual, at least, while there are lulls: others cause refusals then, or they
come at random, and the first is no proof."""

HINT = 0.93
HINTS_BELOW = 0.05
"""A refusal that is no proof takes this much of the rate, until it is learnt what is usual; above
this share refusals come from no crowd, and take nothing."""

CONVINCING_CALLS = 150
"""After so many calls in lulls it is clear whether refusals are usual."""

LEARNT = 0.002


class SharedQuotaFinder:
    """The limiter's policy where peers are unseen. ``rate_per_s`` 0 means no configured ceiling."""

    def __init__(
        self, in_flight: int, rate_per_s: float = 0.0, *, clock_ahead_s: float = 0.0
    ) -> None:
        self._clock_ahead_s = clock_ahead_s
        self._most_in_flight = in_flight
        self._curve = SharedCurve(rate_per_s or inf)
        self._sends = SharedSends()
        self._round_trip = RoundTrip()
        self._suspicion = SharedSuspicion(NEWCOMER_USUAL, NEWCOMER_EXCESS)
        self._probing: Probing | None = None
        self._in_flight = 0
        self._stuck = 0
        self._cap = float(in_flight)
        self._began_s: float | None = None
        self._resumed_s = -inf
        self._next_s = -inf
        self._sent_s = -inf
        self._cut_s = -inf
        self._hinted_s = -inf
        self._paused_until_s = -inf
        self._done_s = -inf
        self._learnt_s = -inf
        self._overload = SharedSuspicion(MOST_USUAL, OVERLOAD)
        self._usual = LEAST_USUAL
        self._share = 0.0
        self._refusal_s = 0.1

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until a call may be sent; ``inf``: not before one is done."""
        self._pass_time(now_s)
        if self._in_flight >= self._most_in_flight:
            return inf
        if self._probing:
            ready_s = min(self._probing.ready_s(), self._probing.accepted_at_s())
        elif self._in_flight >= self._cap + self._stuck:
            return max(self._silent_at_s() - now_s, 0.0)
        else:
            ready_s = self._next_s
        wait_s = max(ready_s - now_s, self._paused_until_s - now_s)
        return wait_s if wait_s > NOTHING_S else 0.0

    def sent(self, now_s: float) -> None:
        """Take note of a call that is sent now."""
        if self._began_s is None:
            self._began_s = self._resumed_s = now_s
        if self._in_flight == 0:
            self._done_s = now_s
        self._in_flight += 1
        if self._probing:
            self._probing.sent(now_s)
            return
        if now_s - self._next_s < CREDIT_S:  # the rate was what held it back
            self._curve.advance(min(now_s - self._sent_s, 2.0 / self._curve.rate_per_s))
        rate_per_s = self._curve.rate_per_s
        self._sent_s = now_s
        beat_s, lull = self._beat(now_s, rate_per_s)
        self._next_s = max(self._next_s, now_s - CREDIT_S) + beat_s
        self._sends.sent(now_s, 1.0 / beat_s, lull=lull)
        self._tune(now_s)
        self._suspicion.sent()
        self._overload.sent()

    def done(self, now_s: float, sample: Sample) -> None:
        """Learn from a call that is done now."""
        sent_s = now_s - sample.latency_s
        self._in_flight -= 1
        self._done_s = now_s
        if self._stuck and sent_s < self._resumed_s:
            self._stuck -= 1
        if sample.outcome is Outcome.THROTTLED:
            self._refused(now_s, sent_s, sample)
        elif sample.outcome is Outcome.FAILED:
            self._failed(now_s, sent_s)
        elif sample.outcome is Outcome.CANCELLED:
            self._given_up(sent_s)
        else:
            self._answered(now_s, sent_s, sample)

    def snapshot(self, now_s: float) -> LimiterSnapshot:
        """Return what telemetry shows."""
        if self._probing:
            state = LimiterState.PROBING
        elif now_s < self._paused_until_s:
            state = LimiterState.PAUSED
        else:
            state = LimiterState.SLOW_START if self._curve.anchor is None else LimiterState.STEADY
        share, usual = self._share, self._usual
        cap = min(self._most_in_flight, int(min(self._cap + self._stuck, 1e9)))
        return LimiterSnapshot(state, self._curve.rate_per_s, self._in_flight, cap, share, usual)

    def _answered(self, now_s: float, sent_s: float, sample: Sample) -> None:
        if self._probing and (self._probing.is_probe(sent_s) or not self._probing.refused):
            self._resume(now_s)
        if sample.outcome is Outcome.SUCCEEDED and self._round_trip.answered(
            sent_s, sample.latency_s, now_s
        ):
            self._cut(now_s, min(self._curve.rate_per_s, self._round_trip.answered_per_s))

    def _refused(self, now_s: float, sent_s: float, sample: Sample) -> None:
        self._refusal_s += 0.1 * (sample.latency_s - self._refusal_s)
        if sample.retry_after_s is not None:
            self._paused_until_s = max(self._paused_until_s, now_s + sample.retry_after_s)
        if self._probing:
            if self._probing.is_probe(sent_s):
                self._probing.out_s = None
            return
        where = self._sends.at(sent_s)
        if where is None:
            return
        where.refused += 1
        if self._overload.refused():
            self._overload.evidence = 0.0
            self._sends.forget_lull(now_s - LULL_S)
        if sent_s >= self._cut_s:
            at_per_s = min(where.rate_per_s, self._curve.rate_per_s)
            if self._suspicion.refused():
                self._cut(now_s, at_per_s)
            elif sent_s > max(self._cut_s, self._hinted_s):
                self._hint(now_s, at_per_s)
        self._look_for_block(now_s, sent_s)

    def _failed(self, now_s: float, sent_s: float) -> None:
        if self._probing:
            if self._probing.is_probe(sent_s):
                self._probing.out_s = None
            return
        where = self._sends.at(sent_s)
        if where is not None:
            where.failed += 1
            self._look_for_block(now_s, sent_s)

    def _given_up(self, sent_s: float) -> None:
        if self._probing and self._probing.is_probe(sent_s):
            self._probing.out_s = None
        elif (where := self._sends.at(sent_s)) is not None:
            where.sent -= 1

    def _beat(self, now_s: float, rate_per_s: float) -> tuple[float, bool]:
        """Return the seconds to the next call, and whether this one tells what is usual."""
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
        """Answer a refusal that is no proof, where a crowd may be its cause."""
        if self._curve.newcomer or self._usual > LEAST_USUAL or self._share >= HINTS_BELOW:
            return
        self._hinted_s = now_s
        self._curve.resume(HINT, refused_at_per_s)
        self._next_s = max(self._next_s, now_s + 1.0 / self._curve.rate_per_s)

    def _look_for_block(self, now_s: float, sent_s: float) -> None:
        row = self._sends.lost_up_to(sent_s)
        if len(row) < 2 or sum(slice_.sent for slice_ in row) < BLOCKED_CALLS:
            return
        for slice_ in row:
            slice_.blocked = True
        refused = 2 * sum(slice_.refused for slice_ in row) > sum(slice_.sent for slice_ in row)
        self._probe(now_s, refused=refused)

    def _probe(self, now_s: float, *, refused: bool) -> None:
        round_trip_s = self._round_trip.mean_s or 1.0
        patience_s = max(0.5, 4.0 * self._refusal_s) if refused else max(1.0, 3.0 * round_trip_s)
        self._probing = Probing(now_s, refused, patience_s, self._curve.rate_per_s)
        self._stuck = self._in_flight

    def _resume(self, now_s: float) -> None:
        probing, self._probing = self._probing, None
        assert probing is not None
        if probing.refused:
            pace = self._sends.accepted_per_s(now_s, self._resumed_s)
            windowed = now_s - probing.began_s > WINDOW_BLOCK_S
            slowly_s = min(MEMORY_S, now_s - self._resumed_s) if windowed else 0.0
            self._curve.resume(RESUME_AFTER_REFUSALS, pace, slowly_s=slowly_s)
        else:
            pace = probing.resume_per_s
            self._curve.resume(RESUME_AFTER_FAILURES, pace)
            self._stuck = self._in_flight  # probes hang, too, and must not fill the cap
        self._resumed_s = self._cut_s = now_s
        self._suspicion.evidence = 0.0
        self._next_s = now_s

    def _pass_time(self, now_s: float) -> None:
        if self._probing:
            if now_s + NOTHING_S >= self._probing.accepted_at_s():
                self._resume(now_s)
        elif now_s + NOTHING_S >= self._silent_at_s():
            self._probe(now_s, refused=False)

    def _silent_at_s(self) -> float:
        if not self._in_flight or self._round_trip.mean_s is None:
            return inf
        return self._done_s + max(SILENCE_S, SILENT_ROUND_TRIPS * self._round_trip.mean_s)

    def _tune(self, now_s: float) -> None:
        """Take what was learnt into account; the costly part of it once a second."""
        if now_s - self._learnt_s >= LEARN_EVERY_S:
            self._learnt_s = now_s
            self._share = self._sends.share_refused(now_s)
            self._usual = self._sends.usual_share(now_s)
            sure = min(1.0, self._sends.lull_calls / CONVINCING_CALLS)
            self._curve.caution = 0.0 if self._usual > LEARNT else sure
        newcomer = self._curve.newcomer
        least = USUAL_IN_LULLS if self._share > LULLS_ABOVE else LEAST_USUAL
        self._suspicion.usual = max(self._usual, NEWCOMER_USUAL if newcomer else least)
        self._suspicion.excess = NEWCOMER_EXCESS if newcomer else EXCESS
        if self._round_trip.mean_s is not None:
            self._cap = self._round_trip.cap(self._curve.rate_per_s)
            self._curve.hear_round_trip(self._round_trip.mean_s, longer=self._round_trip.longer)
