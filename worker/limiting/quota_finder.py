"""Finds a quota that nobody tells, follows it, and shares it: a state machine without a clock.

Each call is reported when it is sent and when it is done, with the time; ``wait_s`` says when the
next may go. Refusals move the rate, latencies move the cap on calls under way, and when nothing
goes through at all, single probes look for the end of it. It is for workers that are told how many
of them share the quota (``hear_peers``); ``unseen_peers`` has the policy for those that are not.
"""

from __future__ import annotations

from math import inf

from worker.limiting.belief import Belief
from worker.limiting.doubt import Doubt, Judgement
from worker.limiting.growth import Curve
from worker.limiting.latencies import RoundTrip
from worker.limiting.limiter import LimiterSnapshot, LimiterState, Outcome, Sample
from worker.limiting.lulls import CONVINCING_CALLS, Beat, Lulls, lulls_tell
from worker.limiting.minutes import MINUTE_S, Minutes
from worker.limiting.probing import LONG_S, Probing
from worker.limiting.refusals import LEAST_USUAL, SLICE_S, RecentSends, Suspicion

NOTHING_S = 1e-6
"""A wait that is no wait: sums of floating-point times are not exact."""

CREDIT_S = 0.05
"""A call that is late may be made up for within this time. It is the longest burst."""

NEWCOMER_EXCESS = 0.2
"""While the rate doubles only a share of refusals as high as this ends it: those that others cause
are fewer, and a newcomer that heeded them would starve."""

NEWCOMER_USUAL = 0.02

BLOCKED_CALLS = 5
"""So many calls in a row that were all refused or failed: nothing goes through."""

SILENCE_S = 2.0
SILENT_ROUND_TRIPS = 4.0
WINDOW_BLOCK_S = 3.0
WINDOW_BLOCK_CALLS = 5.0
"""A quota that refuses everything for longer is counted in windows, not by a bucket."""

LESS_AFTER_BLOCK = 4.0
"""When nothing went through for a while the rate falls to what did, but by no more than this."""

DELIVERED_CALLS, SUSPECTED_CALLS = 10, 12
"""What went through is the quota, if it was used up: between two refusals, after so many accepted
calls; or ever since refusals are suspected to be too many, after so many calls."""

OVERSHOT = 0.7
"""How much of the rate is left when refusals end its doubling."""

SLOWED = 0.7
"""How much of the rate that is answered is sent on when calls queue at the model."""

RESUME_AFTER_FAILURES = 0.9
RESUME_AFTER_REFUSALS = 0.98
LEARN_EVERY_S = 1.0

LULLS_ABOVE = 0.03
"""There are lulls only while more than this share of the calls is refused, or some are usual."""

SETTLED_REFUSALS = 1.5
"""A call that was not refused for so many times as long as a refusal takes was accepted."""

SETTLED_DIP = 0.1
DOUBTFUL, DOUBTFUL_ALONE = 0.1, 0.02
"""A smaller share of refusals is not tried, only answered; who has the quota alone tries sooner."""

PROVEN, UNCUT_S = 0.5, 60.0
"""Cuts of this last time are taken back when it is learnt that so much of the refusals is usual."""


class QuotaFinder:
    """The limiter's policy where peers are known. ``rate_per_s`` 0 means no configured ceiling."""

    def __init__(
        self, in_flight: int, rate_per_s: float = 0.0, *, clock_ahead_s: float = 0.0
    ) -> None:
        self._lulls = Lulls(clock_ahead_s)
        self._most_in_flight = in_flight
        self._curve = Curve(rate_per_s or inf)
        self._sends = RecentSends()
        self._round_trip = RoundTrip()
        self._suspicion = Suspicion()
        self._minutes = Minutes()
        self._suspicion.expect(NEWCOMER_USUAL, NEWCOMER_EXCESS)
        self._probing: Probing | None = None
        self._in_flight = 0
        self._stuck = 0
        self._cap = float(in_flight)
        self._began_s: float | None = None
        self._resumed_s = -inf
        self._next_s = -inf
        self._sent_s = -inf
        self._cut_s = -inf
        self._emptied_s = -inf
        self._paused_until_s = -inf
        self._asked_until_s = -inf
        self._waits_disproved = False
        self._done_s = -inf
        self._accepted_s = -inf
        self._learnt_s = -inf
        self._uncut_per_s, self._uncut_s = 0.0, -inf
        self._doubt: Doubt | None = None
        self._alone = True
        self._usual = LEAST_USUAL
        self._share = 0.0
        self._refusal_s = 0.1
        self._slowed = ""

    def hear_peers(self, now_s: float, count: int, mean_per_s: float) -> None:
        """Take note of how many share the quota, and at which rate they send on average."""
        self._alone = count == 1
        self._curve.hear_peers(count, mean_per_s)
        self._next_s = min(self._next_s, now_s + 1.0 / self._curve.rate_per_s)

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
            if (until_s := self._minutes.wait_s(now_s)) > 0:
                ready_s = max(ready_s, now_s + until_s)
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
        if now_s - self._next_s < CREDIT_S and not self._doubt:  # the rate was what held it back
            self._curve.advance(min(now_s - self._sent_s, 2.0 / self._curve.rate_per_s))
        if self._minutes.sent(now_s):
            self._begin_minute()
        elif self._minutes.known and self._minutes.beyond:
            self._curve.double()
        if self._doubt:
            self._weigh(now_s)
        rate_per_s = self._curve.rate_per_s
        self._sent_s = now_s
        beat = self._beat(now_s, rate_per_s)
        self._next_s = max(self._next_s, now_s - CREDIT_S) + 1.0 / beat.pace_per_s
        self._sends.sent(now_s, rate_per_s, beat)
        self._tune(now_s)
        self._suspicion.sent(now_s)

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
        rate_per_s = self._curve.rate_per_s
        belief = Belief(
            rate_per_s, self._minutes.known, self._curve.peers, usual, self._slowed
        ).in_words()
        return LimiterSnapshot(state, rate_per_s, self._in_flight, cap, share, usual, belief)

    def _answered(self, now_s: float, sent_s: float, sample: Sample) -> None:
        if self._probing and (self._probing.is_probe(sent_s) or not self._probing.refused):
            self._resume(now_s)
        self._accepted_s = max(self._accepted_s, sent_s)
        if sample.outcome is Outcome.SUCCEEDED and self._round_trip.answered(
            sent_s, sample.latency_s, now_s
        ):
            self._slow_down(now_s)

    def _refused(self, now_s: float, sent_s: float, sample: Sample) -> None:
        self._refusal_s += 0.1 * (sample.latency_s - self._refusal_s)
        if sample.retry_after_s is not None:
            self._heed(now_s, sample.retry_after_s)
        if self._probing:
            if self._probing.is_probe(sent_s):
                self._probing.went_under()
                if self._minutes.known and self._probing.refused:
                    self._await_minute(now_s)
            return
        self._minutes.refused(sent_s)
        where = self._sends.at(sent_s)
        if where is None:
            return
        where.refused += 1
        if self._doubt:
            self._weigh(now_s)
        elif sent_s >= self._cut_s and self._suspicion.refused():
            self._cut(now_s, min(where.rate_per_s, self._curve.rate_per_s), sent_s)
        self._look_for_block(now_s, sent_s)

    def _heed(self, now_s: float, retry_after_s: float) -> None:
        """Wait as long as a refusal asks for; whether a long wait is needed is looked at."""
        if retry_after_s <= LONG_S:
            self._paused_until_s = max(self._paused_until_s, now_s + retry_after_s)
        elif not self._waits_disproved:
            self._asked_until_s = max(self._asked_until_s, now_s + retry_after_s)
            if self._probing is None:
                self._probe(now_s, refused=True)
            assert self._probing is not None
            self._probing.wait_long(now_s)

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

    def _beat(self, now_s: float, rate_per_s: float) -> Beat:
        """Return when the next call goes, and whether this one is in a lull."""
        curve, doubt = self._curve, self._doubt
        if doubt:
            quiet = not doubt.in_lulls
        else:
            quiet = self._usual <= LEAST_USUAL and self._share - self._usual <= LULLS_ABOVE
        if quiet or curve.anchor is None or self._minutes.known:
            return Beat(rate_per_s)
        return self._lulls.beat(
            now_s,
            rate_per_s,
            curve.fair_per_s,
            convinced=doubt is None and self._sends.lulls.sent > CONVINCING_CALLS,
            through_per_s=self._sends.through_lately_per_s,
        )

    def _cut(self, now_s: float, refused_at_per_s: float, sent_s: float) -> None:
        """Answer a refusal that is more than usual."""
        curve = self._curve
        doubling = curve.anchor is None
        if doubling or curve.soon:
            back_per_s = curve.rate_per_s
            if doubling:
                self._slowed = "the model refused calls while the rate doubled"
                self._uncut_per_s, self._uncut_s = back_per_s, now_s
                curve.slow_down(OVERSHOT * curve.rate_per_s)
                self._turn(now_s)
            self._doubt = Doubt(
                self._cut_s,
                curve.rate_per_s,
                self._usual,
                max(back_per_s, 0.0 if doubling else self._uncut_per_s),
                doubling,
            )
            self._suspicion.evidence = 0.0
            return
        if self._usual <= LEAST_USUAL and now_s - self._uncut_s > UNCUT_S:
            self._uncut_per_s = 0.0
        self._uncut_per_s, self._uncut_s = max(curve.rate_per_s, self._uncut_per_s), now_s
        self._slowed = "the model refused more than usual"
        quota_per_s, sure = self._quota_per_s(sent_s)
        curve.cut(refused_at_per_s, quota_per_s, sure=sure)
        self._emptied_s = sent_s
        self._turn(now_s)

    def _turn(self, now_s: float) -> None:
        """The rate was changed: judge it by the calls from now on."""
        self._cut_s = now_s
        self._sends.split()
        self._suspicion.evidence = 0.0
        self._expect()
        self._next_s = now_s + 1.0 / self._curve.rate_per_s

    def _weigh(self, now_s: float) -> None:
        """Go on with what is doubted."""
        if (doubt := self._doubt) is None:
            return
        settled_s = now_s - SETTLED_REFUSALS * self._refusal_s - SLICE_S
        if doubt.trying:
            self._try_out(now_s, doubt, settled_s)
        else:
            self._measure(now_s, doubt, settled_s)

    def _measure(self, now_s: float, doubt: Doubt, settled_s: float) -> None:
        """Measure the share that is refused; then send a little less than what goes through."""
        curve = self._curve
        verdict = doubt.measure(*self._sends.since(doubt.begin_s, settled_s))
        if verdict is Judgement.CALM:
            self._doubt = None
            curve.let_go()
        elif verdict is Judgement.FAR_OVER:
            curve.slow_down(doubt.quota_per_s())
            self._turn(now_s)
            doubt.measure_again(now_s, curve.rate_per_s)
        elif verdict is Judgement.TRY:
            tells = self._alone or lulls_tell(curve.rate_per_s, curve.fair_per_s)
            least = DOUBTFUL_ALONE if self._alone else DOUBTFUL
            if not tells or doubt.share - doubt.usual < least:
                through_per_s = self._sends.accepted_per_s(now_s, self._resumed_s)
                self._settle(now_s, max(doubt.quota_per_s(), through_per_s))
                return
            self._slowed = "many calls were refused, to see whether fewer are when it is slower"
            doubt.tried_from_s, doubt.in_lulls = now_s, not self._alone
            curve.slow_down(doubt.tried_per_s())
            self._emptied_s = now_s
            self._turn(now_s)

    def _try_out(self, now_s: float, doubt: Doubt, settled_s: float) -> None:
        """See whether sending less helped; where others share the quota, lulls tell if not."""
        calls, refused = self._sends.since(doubt.tried_from_s, settled_s)
        verdict = doubt.weigh(calls, refused)
        if doubt.in_lulls and verdict in {Judgement.AT_RANDOM, Judgement.UNCLEAR}:
            calls, refused = self._sends.since(doubt.tried_from_s, settled_s, in_lulls=True)
            verdict = doubt.weigh(calls, refused)
            if verdict is Judgement.QUOTA:
                verdict = Judgement.UNCLEAR
        if verdict is Judgement.QUOTA:
            self._sends.lulls.add(calls, refused)
            self._usual = self._sends.usual_share(now_s)
            self._settle(now_s, doubt.quota_per_s())
        elif verdict is Judgement.UNCLEAR:
            doubt.measure_again(now_s, self._curve.rate_per_s)
        elif verdict is Judgement.AT_RANDOM:
            more, of_them = doubt.measured
            self._sends.learn(calls + more, refused + of_them)
            self._usual = self._sends.usual_share(now_s)
            unknown = doubt.doubling or doubt.usual <= LEAST_USUAL
            self._curve.go_back(doubt.back_per_s, doubling=unknown)
            self._doubt = None
            self._turn(now_s)

    def _settle(self, now_s: float, quota_per_s: float) -> None:
        """The quota is known to be this."""
        self._doubt = None
        self._curve.resume(1.0 - SETTLED_DIP, quota_per_s)
        self._turn(now_s)

    def _quota_per_s(self, sent_s: float) -> tuple[float | None, bool]:
        """Return the rate that the quota allowed lately, if that is known."""
        sends = self._sends
        calls, refused = sends.since(self._suspicion.since_s, sent_s)
        if calls >= SUSPECTED_CALLS and refused < calls:  # it was used up all that time
            lasted_s = max(sent_s - self._suspicion.since_s, SLICE_S)
            return (calls - refused) / lasted_s / (1.0 - self._usual), True
        begin_s = max(self._emptied_s, self._resumed_s)
        calls, refused = sends.since(begin_s, sent_s)
        if calls - refused < DELIVERED_CALLS:
            return None, False
        delivered_per_s = (calls - refused) / max(sent_s - begin_s, SLICE_S) / (1.0 - self._usual)
        return delivered_per_s, False

    def _slow_down(self, now_s: float) -> None:
        """Calls queue at the model."""
        self._cut_s = now_s
        self._slowed = "answers took longer"
        self._curve.resume(SLOWED, self._round_trip.answered_per_s)

    def _look_for_block(self, now_s: float, sent_s: float) -> None:
        row = self._sends.lost_up_to(sent_s)
        fewest = self._minutes.blocked_calls(self._usual)
        if not self._minutes.known:
            fewest = max(fewest, BLOCKED_CALLS)
            if len(row) < 2:
                return
        if sum(slice_.sent for slice_ in row) < fewest:
            return
        for slice_ in row:
            slice_.blocked = True
        self._sends.forget_usual()
        self._usual = LEAST_USUAL
        refused = 2 * sum(slice_.refused for slice_ in row) > sum(slice_.sent for slice_ in row)
        self._probe(now_s, refused=refused)

    def _probe(self, now_s: float, *, refused: bool) -> None:
        round_trip_s = self._round_trip.mean_s or 1.0
        patience_s = max(0.5, 4.0 * self._refusal_s) if refused else max(1.0, 3.0 * round_trip_s)
        self._slowed = "the model refused all calls" if refused else "no call succeeded"
        self._probing = Probing(now_s, refused, patience_s, self._curve.rate_per_s)
        self._stuck = self._in_flight
        self._doubt = None
        if refused and self._minutes.known:
            self._minutes.blocked()
            self._await_minute(now_s)

    def _await_minute(self, now_s: float) -> None:
        assert self._probing is not None
        self._probing.next_s, self._probing.check = self._minutes.probe_s(now_s)

    def _begin_minute(self) -> None:
        self._minutes.set_goal(self._usual)
        self._curve.slow_down(self._minutes.pace_per_s(self._usual))

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
            pace = probing.resume_per_s
            self._curve.resume(RESUME_AFTER_FAILURES, pace)
            self._stuck = self._in_flight  # probes hang, too, and must not fill the cap
        self._resumed_s = self._cut_s = now_s
        self._suspicion.evidence = 0.0
        self._sends.split()
        sent_s = now_s if probing.out_s is None else probing.out_s
        self._sends.sent(sent_s, self._curve.rate_per_s, Beat(self._curve.rate_per_s))
        self._sends.split()
        self._next_s = sent_s + 1.0 / self._curve.rate_per_s

    def _reopen(self, now_s: float, probing: Probing) -> None:
        """Calls go through again after none did."""
        minutes, curve = self._minutes, self._curve
        lasted_s = now_s - probing.began_s
        if probing.check:
            minutes.forget()
        if probing.check or lasted_s <= max(
            WINDOW_BLOCK_S, WINDOW_BLOCK_CALLS / probing.resume_per_s
        ):
            gap_s = max(now_s - self._accepted_s, SLICE_S)
            rate_per_s = max(1.0 / gap_s, probing.resume_per_s / LESS_AFTER_BLOCK)
            curve.resume(RESUME_AFTER_REFUSALS, min(rate_per_s, probing.resume_per_s))
            return
        admitted = minutes.opened(probing.shut_s, probing.out_s or now_s)
        minutes.sent(now_s)
        if minutes.known:
            self._begin_minute()
        else:
            slowly_s = max(min(MINUTE_S, now_s - self._resumed_s), SLICE_S)
            curve.resume(RESUME_AFTER_REFUSALS, max(admitted, 1) / slowly_s, slowly_s=slowly_s)

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
            before, self._usual = self._usual, self._sends.usual_share(now_s)
            if self._usual > before + PROVEN * max(self._share - before, LULLS_ABOVE):
                self._take_back(now_s)
            self._expect()
        if self._round_trip.mean_s is not None:
            self._cap = self._round_trip.cap(self._curve.rate_per_s)
            self._curve.hear_round_trip(self._round_trip.mean_s, longer=self._round_trip.longer)
        self._curve.refusal_s = self._refusal_s

    def _expect(self) -> None:
        usual = self._usual
        if self._curve.anchor is None:
            self._suspicion.expect(max(usual, NEWCOMER_USUAL), NEWCOMER_EXCESS)
        else:
            self._suspicion.expect(usual)

    def _take_back(self, now_s: float) -> None:
        """Take back what was cut for refusals that turn out to be usual."""
        if self._uncut_per_s > self._curve.rate_per_s:
            self._curve.go_back(self._uncut_per_s, doubling=False)
            self._doubt = None
            self._turn(now_s)
