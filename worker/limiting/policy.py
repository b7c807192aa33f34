"""The common base of both policies: calls in progress, pauses and probes.

Each call is reported with the time when it is sent and when it ends; ``wait_s`` returns when the
next one may be sent. While no call succeeds at all, single probes find out when that ends. A policy
adds what a refusal means, how fast the rate grows, and how far it falls.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import inf

from worker.limiting.belief import Belief
from worker.limiting.latencies import RoundTrip
from worker.limiting.limiter import LimiterSnapshot, LimiterState, Outcome, Sample
from worker.limiting.probing import LONG_S, Probing
from worker.limiting.rate_curve import RateCurve
from worker.limiting.slices import Slice, Slices

NOTHING_S = 1e-6
"""A wait this short counts as none: sums of floating-point times are not exact."""

CREDIT_S = 0.05
"""A delayed call may be made up for within this time, which is also the longest burst."""

NEWCOMER_USUAL, NEWCOMER_EXCESS = 0.02, 0.2
"""While the rate doubles, only this share of refusals ends it.

A lower share may be caused by others, and a newcomer that reacted to it would get nothing.
"""

SILENCE_S = 2.0
SILENT_ROUND_TRIPS = 4.0
"""After the longer of these without a successful call, the quota counts as blocked."""

WINDOW_BLOCK_S = 3.0
"""A quota that refuses everything for longer is counted in windows rather than by a bucket."""

RESUME_AFTER_FAILURES = 0.9
RESUME_AFTER_REFUSALS = 0.98
LEARN_EVERY_S = 1.0


class LimiterPolicy(ABC):
    """Decides when the next call may be sent. ``rate_per_s`` 0 means no configured ceiling."""

    def __init__(self, in_flight: int, curve: RateCurve, sends: Slices, usual: float) -> None:
        self._most_in_flight = in_flight
        self._curve = curve
        self._sends = sends
        self._round_trip = RoundTrip()
        self._probing: Probing | None = None
        self._in_flight = 0
        self._stuck = 0
        self._cap = float(in_flight)
        self._began_s: float | None = None
        self._resumed_s = -inf
        self._next_s = -inf
        self._sent_s = -inf
        self._last_s = -inf
        self._cut_s = -inf
        self._paused_until_s = -inf
        self._asked_until_s = -inf
        self._waits_disproved = False
        self._done_s = -inf
        self._learnt_s = -inf
        self._usual = usual
        self._share = 0.0
        self._refusal_s = 0.1
        self._slowed = ""

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until a call may be sent; ``inf`` means not before a call ends."""
        self._pass_time(now_s)
        if self._in_flight >= self._most_in_flight:
            return inf
        if self._probing:
            ready_s = min(self._probing.ready_s(), self._probing.accepted_at_s())
            ready_s = max(ready_s, self._under_ceiling_s())
        elif self._in_flight >= self._cap + self._stuck:
            return max(self._silent_at_s() - now_s, 0.0)
        else:
            ready_s = self._ready_s(now_s)
        wait_s = max(ready_s - now_s, self._paused_until_s - now_s)
        return wait_s if wait_s > NOTHING_S else 0.0

    def sent(self, now_s: float) -> None:
        """Record a call that is sent now."""
        if self._began_s is None:
            self._began_s = self._resumed_s = now_s
        if self._in_flight == 0:
            self._done_s = now_s
        self._in_flight += 1
        self._last_s = now_s
        if self._probing:
            self._probing.sent(now_s)
        else:
            self._sent(now_s)

    def done(self, now_s: float, sample: Sample) -> None:
        """Learn from a call that ends now."""
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
        """Return the values for telemetry."""
        if self._probing:
            state = LimiterState.PROBING
        elif now_s < self._paused_until_s:
            state = LimiterState.PAUSED
        else:
            state = LimiterState.SLOW_START if self._curve.anchor is None else LimiterState.STEADY
        share, usual = self._share, self._usual
        cap = min(self._most_in_flight, int(min(self._cap + self._stuck, 1e9)))
        belief = self._belief().in_words()
        rate_per_s = self._curve.rate_per_s
        return LimiterSnapshot(state, rate_per_s, self._in_flight, cap, share, usual, belief)

    @abstractmethod
    def _sent(self, now_s: float) -> None:
        """Record a call that is not a probe: grow, and schedule the next."""

    @abstractmethod
    def _weigh_refusal(self, now_s: float, sent_s: float, where: Slice) -> None:
        """React to a refusal of a call that was sent at this time, or ignore it."""

    @abstractmethod
    def _slow_down(self, now_s: float) -> None:
        """React to calls that queue at the model."""

    @abstractmethod
    def _blocks(self, row: list[Slice]) -> bool:
        """Whether slices without a successful call mean that the quota is blocked."""

    @abstractmethod
    def _reopen(self, now_s: float, probing: Probing) -> None:
        """Set the rate when calls succeed again after a block."""

    @abstractmethod
    def _learn(self, now_s: float) -> None:
        """Evaluate the outcomes of the last second's calls."""

    def _grow(self, now_s: float) -> None:
        """Let the rate grow before a call, if the rate was what delayed it."""
        if now_s - self._next_s < CREDIT_S:
            self._curve.advance(min(now_s - self._sent_s, 2.0 / self._curve.rate_per_s))

    def _belief(self) -> Belief:
        return Belief(self._curve.rate_per_s, usual=self._usual, slowed=self._slowed)

    def _ready_s(self, now_s: float) -> float:  # noqa: ARG002 - a quota by the minute needs it
        return self._next_s

    def _heed(self, now_s: float, retry_after_s: float) -> None:
        """Wait as long as a refusal requests; a long wait is verified by probes."""
        if retry_after_s <= LONG_S:
            self._paused_until_s = max(self._paused_until_s, now_s + retry_after_s)
        elif not self._waits_disproved:
            self._asked_until_s = max(self._asked_until_s, now_s + retry_after_s)
            if self._probing is None:
                self._probe(now_s, refused=True)
            assert self._probing is not None
            self._probing.wait_long(now_s)

    def _answered(self, now_s: float, sent_s: float, sample: Sample) -> None:
        if self._probing and (self._probing.is_probe(sent_s) or not self._probing.refused):
            self._resume(now_s)
        if sample.outcome is Outcome.SUCCEEDED and self._round_trip.answered(
            sent_s, sample.latency_s, now_s
        ):
            self._slowed = "answers took longer"
            self._slow_down(now_s)

    def _refused(self, now_s: float, sent_s: float, sample: Sample) -> None:
        self._refusal_s += 0.1 * (sample.latency_s - self._refusal_s)
        where = None if self._probing else self._sends.at(sent_s)
        if where is not None:
            where.refused += 1
        if sample.retry_after_s is not None:
            self._heed(now_s, sample.retry_after_s)
        if self._probing:
            if self._probing.is_probe(sent_s):
                self._probe_refused(now_s, self._probing)
        elif where is not None:
            self._weigh_refusal(now_s, sent_s, where)
            self._look_for_block(now_s, sent_s)

    def _probe_refused(self, now_s: float, probing: Probing) -> None:  # noqa: ARG002 - see _ready_s
        probing.went_under()

    def _failed(self, now_s: float, sent_s: float) -> None:
        if self._probing:
            if self._probing.is_probe(sent_s):
                self._probing.out_s = None
        elif (where := self._sends.at(sent_s)) is not None:
            where.failed += 1
            self._look_for_block(now_s, sent_s)

    def _given_up(self, sent_s: float) -> None:
        if self._probing and self._probing.is_probe(sent_s):
            self._probing.out_s = None
        elif (where := self._sends.at(sent_s)) is not None:
            where.sent -= 1

    def _look_for_block(self, now_s: float, sent_s: float) -> None:
        row = self._sends.lost_up_to(sent_s)
        if self._blocks(row):
            self._blocked(now_s, row)

    def _blocked(self, now_s: float, row: list[Slice]) -> None:
        for slice_ in row:
            slice_.blocked = True
        refused = 2 * sum(slice_.refused for slice_ in row) > sum(slice_.sent for slice_ in row)
        self._probe(now_s, refused=refused)

    def _probe(self, now_s: float, *, refused: bool) -> None:
        round_trip_s = self._round_trip.mean_s or 1.0
        patience_s = max(0.5, 4.0 * self._refusal_s) if refused else max(1.0, 3.0 * round_trip_s)
        self._slowed = "the model refused all calls" if refused else "no call succeeded"
        self._probing = Probing(now_s, refused, patience_s, self._curve.rate_per_s)
        self._stuck = self._in_flight

    def _resume(self, now_s: float) -> None:
        probing, self._probing = self._probing, None
        assert probing is not None
        if now_s < self._asked_until_s:
            self._waits_disproved = True
            self._asked_until_s = -inf
            self._curve.resume(RESUME_AFTER_REFUSALS, probing.resume_per_s)
        elif probing.refused:
            self._reopen(now_s, probing)
        else:
            self._curve.resume(RESUME_AFTER_FAILURES, probing.resume_per_s)
            self._stuck = self._in_flight  # probes can hang too, and must not fill the cap
        self._resumed_s = self._cut_s = now_s
        self._resumed(now_s, probing)

    def _resumed(self, now_s: float, probing: Probing) -> None:  # noqa: ARG002 - see _ready_s
        self._next_s = max(now_s, self._under_ceiling_s())

    def _under_ceiling_s(self) -> float:
        """Return when the ceiling allows a call after the last one, which was a probe."""
        return self._last_s + 1.0 / self._curve.ceiling_per_s

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
        """Evaluate new outcomes; the expensive part once per second."""
        if now_s - self._learnt_s >= LEARN_EVERY_S:
            self._learnt_s = now_s
            self._share = self._sends.share_refused(now_s)
            self._learn(now_s)
        if self._round_trip.mean_s is not None:
            self._cap = self._round_trip.cap(self._curve.rate_per_s)
            self._curve.hear_round_trip(self._round_trip.mean_s, longer=self._round_trip.longer)
