"""Finds an unknown quota, follows it, and shares it: a state machine without a clock.

Each call is reported with the time when it is sent and when it ends; ``wait_s`` returns when the
next one may be sent. Refusals change the rate, latencies the cap on calls in progress, and while no
call succeeds at all, single probes find out when that ends. For workers that know how many share
the quota (``hear_peers``); ``unseen_peers`` has the policy for the others.
"""

from __future__ import annotations

from math import inf

from sightline.ports import QuotaBelief, Remembered
from worker.limiting.belief import Belief
from worker.limiting.limiter import Sample
from worker.limiting.policy import (
    CREDIT_S,
    NEWCOMER_EXCESS,
    NEWCOMER_USUAL,
    RESUME_AFTER_REFUSALS,
    WINDOW_BLOCK_S,
    LimiterPolicy,
)
from worker.limiting.probing import LONG_S, Probing
from worker.limiting.seen_peers.doubt import Doubt, Judgement
from worker.limiting.seen_peers.growth import Curve
from worker.limiting.seen_peers.lulls import CONVINCING_CALLS, Beat, Lulls, lulls_tell
from worker.limiting.seen_peers.memory import Memory
from worker.limiting.seen_peers.minutes import MINUTE_S, Minutes
from worker.limiting.seen_peers.refusals import LEAST_USUAL, RecentSends, Suspicion
from worker.limiting.seen_peers.waits import Waits
from worker.limiting.slices import SLICE_S, Slice

BLOCKED_CALLS = 5
"""This many calls in a row that were all refused or failed mean that the quota is blocked."""

WINDOW_BLOCK_CALLS = 5.0
"""A quota by the minute refuses everything for longer than this many calls would take."""

LESS_AFTER_BLOCK = 4.0
"""After a block, the rate falls to the accepted rate, but by no more than this."""

DELIVERED_CALLS, SUSPECTED_CALLS = 10, 12
"""The accepted rate is the quota if the quota was used up: between two refusals, after this many
accepted calls; or since refusals are suspected to be too many, after this many calls.
"""

OVERSHOT = 0.7
"""The share of the rate that remains when refusals end its doubling."""

SLOWED = 0.7
"""The share of the answered rate that is sent when calls queue at the model."""

LULLS_ABOVE = 0.03
"""There are lulls only while more than this share of the calls is refused, or some are usual."""

SETTLED_REFUSALS = 1.5
"""A call that was not refused within this multiple of a refusal's time was accepted."""

SETTLED_DIP = 0.1
DOUBTFUL, DOUBTFUL_ALONE = 0.1, 0.02
"""A smaller share of refusals causes no trial; a lone worker starts trials sooner."""

REMEMBERED_CALLS = 30
"""A remembered share of random refusals counts as this many calls."""

PROVEN, UNCUT_S = 0.5, 60.0
"""Cuts within this time are undone if this much of the refusals proves to be usual."""


class QuotaFinder(LimiterPolicy):
    """The limiter's policy if peers are known. ``rate_per_s`` 0 means no configured ceiling."""

    _curve: Curve
    _sends: RecentSends

    def __init__(
        self, in_flight: int, rate_per_s: float = 0.0, *, clock_ahead_s: float = 0.0
    ) -> None:
        super().__init__(in_flight, Curve(rate_per_s or inf), RecentSends(), LEAST_USUAL)
        self._lulls = Lulls(clock_ahead_s)
        self._clock_ahead_s = clock_ahead_s
        self._memory = Memory()
        self._suspicion = Suspicion()
        self._suspicion.expect(NEWCOMER_USUAL, NEWCOMER_EXCESS)
        self._minutes = Minutes()
        self._waits = Waits()
        self._doubt: Doubt | None = None
        self._alone = True
        self._heard_s = -inf
        self._emptied_s = -inf
        self._accepted_s = -inf
        self._uncut_per_s, self._uncut_s = 0.0, -inf

    def hear_peers(self, now_s: float, count: int, mean_per_s: float) -> None:
        """Record how many share the quota, and their mean rate."""
        self._alone = count == 1
        self._curve.hear_peers(count, mean_per_s, now_s - self._heard_s)
        self._heard_s = now_s
        self._next_s = min(self._next_s, now_s + 1.0 / self._curve.rate_per_s)

    def remember(self, now_s: float, remembered: Remembered) -> None:
        """Start with an earlier belief, unless a quota was already found."""
        curve, belief = self._curve, remembered.belief
        if self._memory.recalled or not curve.newcomer or belief.rate_per_s <= 0.0:
            return
        share_per_s = belief.rate_per_s / curve.peers
        self._memory = Memory(remembered.age_s, share_per_s)
        curve.remember(share_per_s, self._memory.trust, fresh=self._memory.fresh)
        if belief.usual > LEAST_USUAL and self._memory.fresh:
            self._sends.learn(REMEMBERED_CALLS, round(belief.usual * REMEMBERED_CALLS))
            self._usual = self._sends.usual_share(now_s)
            self._expect()
        if belief.minute_began_s is not None:
            self._minutes.remember(belief.minute_began_s - self._clock_ahead_s)

    def believed(self) -> QuotaBelief | None:
        """Return the belief to share with others, once the quota is found."""
        curve, began_s = self._curve, self._minutes.began_s
        if curve.anchor is None or self._memory.unchecked_s is not None:
            return None
        rate_per_s = curve.peers * (
            self._minutes.mean_per_s if self._minutes.known else curve.anchor
        )
        usual = self._usual if self._usual > LEAST_USUAL else 0.0
        return QuotaBelief(
            rate_per_s, usual, None if began_s is None else began_s + self._clock_ahead_s
        )

    def _ready_s(self, now_s: float) -> float:
        until_s = self._minutes.wait_s(now_s)
        return max(self._next_s, now_s + until_s) if until_s > 0 else self._next_s

    def _sent(self, now_s: float) -> None:
        if self._memory.checked(now_s):
            self._curve.double()
            self._expect()
        if not self._doubt:
            self._grow(now_s)
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
        self._sends.sent_at(now_s, rate_per_s, beat)
        self._tune(now_s)
        self._curve.refusal_s = self._refusal_s
        self._suspicion.sent(now_s)

    def _belief(self) -> Belief:
        return Belief(
            self._curve.rate_per_s,
            self._minutes.known,
            self._curve.peers,
            self._usual,
            self._slowed,
            self._memory.unchecked_s,
        )

    def _answered(self, now_s: float, sent_s: float, sample: Sample) -> None:
        super()._answered(now_s, sent_s, sample)
        self._accepted_s = max(self._accepted_s, sent_s)

    def _heed(self, now_s: float, retry_after_s: float) -> None:
        super()._heed(now_s, retry_after_s)
        shorter = retry_after_s <= 1.0 / self._curve.rate_per_s  # than the next call takes anyway
        if self._probing or self._minutes.known or shorter or retry_after_s > LONG_S:
            return
        most_per_s = self._waits.most_per_s(now_s, retry_after_s, self._sends)
        if most_per_s < self._curve.rate_per_s:
            self._slowed = "the model asked to wait"
            self._doubt = None
            self._curve.resume(RESUME_AFTER_REFUSALS, most_per_s)
            self._turn(now_s)

    def _probe_refused(self, now_s: float, probing: Probing) -> None:
        super()._probe_refused(now_s, probing)
        if self._minutes.known and probing.refused:
            self._await_minute(now_s)

    def _weigh_refusal(self, now_s: float, sent_s: float, where: Slice) -> None:
        self._minutes.refused(sent_s)
        if self._doubt:
            self._weigh(now_s)
        elif sent_s >= self._cut_s and self._suspicion.refused():
            self._cut(now_s, min(where.rate_per_s, self._curve.rate_per_s), sent_s)

    def _beat(self, now_s: float, rate_per_s: float) -> Beat:
        """Return when the next call is sent, and whether it is in a lull."""
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
        """React to a refusal beyond the usual."""
        curve = self._curve
        doubling = curve.anchor is None
        if doubling or curve.soon:
            back_per_s = curve.rate_per_s
            if doubling and (right_per_s := self._memory.confirmed(curve.rate_per_s)):
                self._slowed = "the model refused calls above the rate that was remembered"
                self._settle(now_s, right_per_s)
                return
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
        """After a change of the rate, judge it only by later calls."""
        self._memory.done()
        self._cut_s = now_s
        self._sends.split()
        self._suspicion.evidence = 0.0
        self._expect()
        self._next_s = now_s + 1.0 / self._curve.rate_per_s

    def _weigh(self, now_s: float) -> None:
        """Continue the current doubt."""
        if (doubt := self._doubt) is None:
            return
        settled_s = now_s - SETTLED_REFUSALS * self._refusal_s - SLICE_S
        if doubt.trying:
            self._try_out(now_s, doubt, settled_s)
        else:
            self._measure(now_s, doubt, settled_s)

    def _measure(self, now_s: float, doubt: Doubt, settled_s: float) -> None:
        """Measure the share of refusals; then send slightly less than the accepted rate."""
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
        """Evaluate whether sending less helped; lulls decide if others share the quota."""
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
        """Record that the quota is known."""
        self._doubt = None
        self._curve.resume(1.0 - SETTLED_DIP, quota_per_s)
        self._turn(now_s)

    def _quota_per_s(self, sent_s: float) -> tuple[float | None, bool]:
        """Return the recently allowed rate, if known."""
        sends = self._sends
        calls, refused = sends.since(self._suspicion.since_s, sent_s)
        if calls >= SUSPECTED_CALLS and refused < calls:  # the quota was used up all that time
            lasted_s = max(sent_s - self._suspicion.since_s, SLICE_S)
            return (calls - refused) / lasted_s / (1.0 - self._usual), True
        begin_s = max(self._emptied_s, self._resumed_s)
        calls, refused = sends.since(begin_s, sent_s)
        if calls - refused < DELIVERED_CALLS:
            return None, False
        delivered_per_s = (calls - refused) / max(sent_s - begin_s, SLICE_S) / (1.0 - self._usual)
        return delivered_per_s, False

    def _slow_down(self, now_s: float) -> None:
        self._cut_s = now_s
        self._curve.resume(SLOWED, self._round_trip.answered_per_s)

    def _blocks(self, row: list[Slice]) -> bool:
        fewest = self._minutes.blocked_calls(self._usual)
        if not self._minutes.known:
            fewest = max(fewest, BLOCKED_CALLS)
            if len(row) < 2:
                return False
        return sum(slice_.sent for slice_ in row) >= fewest

    def _blocked(self, now_s: float, row: list[Slice]) -> None:
        self._sends.forget_usual()
        self._usual = LEAST_USUAL
        self._memory.done()
        super()._blocked(now_s, row)

    def _probe(self, now_s: float, *, refused: bool) -> None:
        super()._probe(now_s, refused=refused)
        self._doubt = None
        if refused and self._minutes.known:
            self._minutes.blocked()
            self._await_minute(now_s)

    def _await_minute(self, now_s: float) -> None:
        assert self._probing is not None
        self._probing.next_s, self._probing.check = self._minutes.probe_s(now_s)

    def _begin_minute(self) -> None:
        self._memory.done()
        self._minutes.set_goal(self._usual)
        self._curve.slow_down(self._minutes.pace_per_s(self._usual))

    def _resumed(self, now_s: float, probing: Probing) -> None:
        self._suspicion.evidence = 0.0
        self._sends.split()
        sent_s = now_s if probing.out_s is None else probing.out_s
        self._sends.sent_at(sent_s, self._curve.rate_per_s, Beat(self._curve.rate_per_s))
        self._sends.split()
        self._next_s = sent_s + 1.0 / self._curve.rate_per_s

    def _reopen(self, now_s: float, probing: Probing) -> None:
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

    def _learn(self, now_s: float) -> None:
        before, self._usual = self._usual, self._sends.usual_share(now_s)
        if self._usual > before + PROVEN * max(self._share - before, LULLS_ABOVE):
            self._take_back(now_s)
        self._expect()

    def _expect(self) -> None:
        usual = self._usual
        if self._curve.anchor is None:
            self._suspicion.expect(max(usual, NEWCOMER_USUAL), NEWCOMER_EXCESS)
        else:
            self._suspicion.expect(usual)

    def _take_back(self, now_s: float) -> None:
        """Undo cuts whose refusals prove to be usual."""
        if self._uncut_per_s > self._curve.rate_per_s:
            self._curve.go_back(self._uncut_per_s, doubling=False)
            self._doubt = None
            self._turn(now_s)
