"""The adaptive limiter's policies in virtual time: answers to refusals, failures, idleness."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.limiting import LimiterState, Outcome, QuotaFinder, Sample, SharedQuotaFinder
from worker.limiting.policy import CREDIT_S
from worker.limiting.seen_peers import growth as seen_growth
from worker.limiting.unseen_peers import growth as unseen_growth

OUTCOMES = st.sampled_from(Outcome)

Finder = QuotaFinder | SharedQuotaFinder
POLICIES = pytest.mark.parametrize("policy", [QuotaFinder, SharedQuotaFinder])
Policy = type[QuotaFinder] | type[SharedQuotaFinder]


def send_when_allowed(finder: Finder, now_s: float) -> float:
    """Send one call as soon as it may go; return when that was."""
    while 0 < (wait_s := finder.wait_s(now_s)) < inf:
        now_s += wait_s
    assert wait_s == 0
    finder.sent(now_s)
    return now_s


def grown(finder: Finder, *, to_per_s: float) -> float:
    """Let calls succeed at once until the rate is this high; return the time."""
    now_s = 0.0
    while finder.snapshot(now_s).rate_per_s < to_per_s:
        now_s = send_when_allowed(finder, now_s)
        finder.done(now_s, Sample(Outcome.SUCCEEDED, 0.0))
    return now_s


@pytest.mark.parametrize(
    ("policy", "start_per_s"),
    [(QuotaFinder, seen_growth.START_PER_S), (SharedQuotaFinder, unseen_growth.START_PER_S)],
)
def test_the_rate_doubles_until_the_first_refusals(policy: Policy, start_per_s: float) -> None:
    finder = policy(1000)
    assert finder.snapshot(0.0).rate_per_s == start_per_s
    now_s = grown(finder, to_per_s=50.0)
    assert finder.snapshot(now_s).state is LimiterState.SLOW_START
    assert now_s < 9.0


def test_refusals_cut_the_rate_once_for_the_calls_sent_before_the_cut() -> None:
    finder, now_s = SharedQuotaFinder(1000), 0.0
    sent_at_s = []
    while now_s < 5.0:
        now_s = send_when_allowed(finder, now_s)
        sent_at_s.append(now_s)
    before = finder.snapshot(now_s).rate_per_s
    for each in sent_at_s[-5:]:
        finder.done(now_s, Sample(Outcome.THROTTLED, now_s - each))
    after = finder.snapshot(now_s)
    assert after.state is LimiterState.STEADY
    assert after.rate_per_s >= 0.9 * unseen_growth.CUT * before
    assert after.rate_per_s < before


@POLICIES
def test_an_idle_spell_is_not_made_up_for_by_a_burst(policy: Policy) -> None:
    finder, now_s = policy(1000), 0.0
    for _ in range(20):
        now_s = send_when_allowed(finder, now_s)
        finder.done(now_s, Sample(Outcome.SUCCEEDED, 0.0))
    now_s += 3600.0
    rate = finder.snapshot(now_s).rate_per_s
    burst = 0
    while finder.wait_s(now_s) == 0:
        finder.sent(now_s)
        burst += 1
    assert burst <= 2 + CREDIT_S * rate


@POLICIES
def test_a_refusal_that_says_for_how_long_pauses_everything(policy: Policy) -> None:
    finder = policy(1000)
    finder.sent(10.0)
    finder.done(10.1, Sample(Outcome.THROTTLED, 0.1, retry_after_s=7.0))
    assert finder.snapshot(10.1).state is LimiterState.PAUSED
    assert finder.wait_s(10.1) == pytest.approx(7.0)


@POLICIES
def test_a_long_wait_that_a_refusal_asks_for_is_checked_once_a_minute(policy: Policy) -> None:
    finder, now_s, sent_s = policy(1000), 0.0, []
    while now_s < 600.0:
        now_s = send_when_allowed(finder, now_s)
        sent_s.append(now_s)
        finder.done(now_s + 0.1, Sample(Outcome.THROTTLED, 0.1, retry_after_s=3600.0))
    gaps = [after - before for before, after in pairwise(sent_s)]
    assert all(gap >= 60.0 for gap in gaps), "the wait is honoured"
    assert all(gap <= 61.0 for gap in gaps), "but looked at"


@POLICIES
def test_a_long_wait_that_was_not_needed_is_not_believed_again(policy: Policy) -> None:
    finder = policy(1000)
    finder.sent(0.0)
    finder.done(0.1, Sample(Outcome.THROTTLED, 0.1, retry_after_s=3600.0))
    now_s = send_when_allowed(finder, 0.1)
    assert now_s == pytest.approx(60.1)
    finder.done(now_s + 0.1, Sample(Outcome.SUCCEEDED, 0.1))
    now_s = send_when_allowed(finder, now_s + 0.1)
    assert now_s < 63.0
    finder.done(now_s + 0.1, Sample(Outcome.THROTTLED, 0.1, retry_after_s=3600.0))
    assert send_when_allowed(finder, now_s + 0.1) < 70.0


@POLICIES
def test_when_every_call_fails_one_probe_goes_at_a_time_and_the_first_answer_ends_it(
    policy: Policy,
) -> None:
    finder = policy(1000)
    now_s = grown(finder, to_per_s=50.0)
    rate = finder.snapshot(now_s).rate_per_s
    while finder.snapshot(now_s).state is not LimiterState.PROBING:
        now_s = send_when_allowed(finder, now_s)
        finder.done(now_s, Sample(Outcome.FAILED, 0.0))
    started_s, probes = now_s, 0
    while now_s < started_s + 30:
        now_s = send_when_allowed(finder, now_s)
        probes += 1
        finder.done(now_s, Sample(Outcome.FAILED, 0.0))
    assert 20 <= probes <= 31
    now_s = send_when_allowed(finder, now_s)
    finder.done(now_s, Sample(Outcome.SUCCEEDED, 0.0))
    assert finder.snapshot(now_s).rate_per_s >= 0.85 * rate


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from([QuotaFinder, SharedQuotaFinder]),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.5, 20.0, 200.0]),
    st.lists(st.tuples(OUTCOMES, st.floats(0.0, 5.0)), min_size=1, max_size=150),
)
@example(
    QuotaFinder, 1, 0.5,
    [(Outcome.THROTTLED, 0.0), *[(Outcome.FAILED, 0.0)] * 4,
     *[(Outcome.THROTTLED, 0.0)] * 2, (Outcome.SUCCEEDED, 0.0)],
)  # fmt: skip
def test_neither_cap_nor_ceiling_is_ever_exceeded(
    policy: Policy, cap: int, ceiling: float, fates: list[tuple[Outcome, float]]
) -> None:
    finder, now_s = policy(cap, ceiling), 0.0
    under_way: list[tuple[float, float, Outcome]] = []
    sent_at_s: list[float] = []
    for outcome, latency_s in fates:
        while (wait_s := finder.wait_s(now_s)) > 0:
            now_s = min(min((end_s for end_s, _, _ in under_way), default=inf), now_s + wait_s)
            for call in [call for call in under_way if call[0] <= now_s]:
                under_way.remove(call)
                finder.done(now_s, Sample(call[2], now_s - call[1]))
        finder.sent(now_s)
        sent_at_s.append(now_s)
        under_way.append((now_s + latency_s, now_s, outcome))
        assert len(under_way) <= cap
        assert finder.snapshot(now_s).in_flight == len(under_way)
    if ceiling:
        for place, start_s in enumerate(sent_at_s):
            for later, end_s in enumerate(sent_at_s[place:], 1):
                assert later <= 2 + ceiling * (end_s - start_s + CREDIT_S)


def answer_after(finder: Finder, now_s: float, latency_s: float, *, for_s: float) -> float:
    """Let calls succeed after a round trip, for a while; return the time."""
    out: list[float] = []
    end_s = now_s + for_s
    while now_s < end_s:
        if out and out[0] + latency_s <= now_s:
            finder.done(now_s, Sample(Outcome.SUCCEEDED, now_s - out.pop(0)))
        elif (wait_s := finder.wait_s(now_s)) == 0:
            finder.sent(now_s)
            out.append(now_s)
        else:
            now_s += min(wait_s, out[0] + latency_s - now_s if out else inf)
    for each in out:
        finder.done(now_s, Sample(Outcome.SUCCEEDED, now_s - each))
    return now_s


@POLICIES
def test_probes_that_hang_do_not_fill_the_cap_once_answers_come_again(policy: Policy) -> None:
    finder = policy(1000)
    now_s = answer_after(finder, 0.0, 0.3, for_s=3.0)
    hung = 0
    end_s = now_s + 60.0
    while now_s < end_s:  # nobody answers any more
        if (wait_s := finder.wait_s(now_s)) == 0:
            finder.sent(now_s)
            hung += 1
        else:
            now_s += min(wait_s, 0.1)
    probed_s = now_s
    while finder.wait_s(probed_s):
        probed_s += 0.1
    finder.sent(probed_s)
    finder.done(probed_s + 0.3, Sample(Outcome.SUCCEEDED, 0.3))
    cap = finder.snapshot(probed_s + 0.3).cap - hung
    sent, now_s = 0, probed_s + 0.3
    while sent < cap and now_s < probed_s + 10:
        if (wait_s := finder.wait_s(now_s)) == 0:
            finder.sent(now_s)
            sent += 1
        else:
            now_s += min(wait_s, 0.1)
    assert hung > 50
    assert sent == cap
    assert cap > 4


def test_while_many_are_refused_a_single_refusal_takes_little_and_two_take_the_cut() -> None:
    finder = SharedQuotaFinder(1000)
    now_s = grown(finder, to_per_s=50.0)
    numbers = iter(range(10_000))
    while finder.snapshot(now_s).share_refused <= 0.015:  # two in a hundred, side by side
        now_s = send_when_allowed(finder, now_s)
        throttled = next(numbers) % 100 < 2
        outcome = Outcome.THROTTLED if throttled else Outcome.SUCCEEDED
        finder.done(now_s, Sample(outcome, 0.0))
    for _ in range(60):  # nothing speaks against anybody any more
        now_s = send_when_allowed(finder, now_s)
        finder.done(now_s, Sample(Outcome.SUCCEEDED, 0.0))
    now_s = send_when_allowed(finder, now_s)
    before = finder.snapshot(now_s).rate_per_s
    finder.done(now_s, Sample(Outcome.THROTTLED, 0.0))
    hinted = finder.snapshot(now_s).rate_per_s
    assert 0.9 * before < hinted < before
    for _ in range(2):
        now_s = send_when_allowed(finder, now_s)
        finder.done(now_s, Sample(Outcome.THROTTLED, 0.0))
    assert finder.snapshot(now_s).rate_per_s < 0.8 * before


PEERS = st.tuples(st.integers(1, 64), st.floats(1e-4, 1e3))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.01, 0.1, 0.5, 0.9]),
            st.sampled_from([None, 0.0, 0.3, 90.0]),
            st.none() | PEERS,
            st.floats(0.001, 3.0),
        ),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
@POLICIES
def test_whatever_happens_it_goes_on(
    policy: Policy,
    spells: list[tuple[float, float | None, tuple[int, float] | None, float]],
    dice: Random,
) -> None:
    """Each spell has a share of refusals, a hint, peers, and a latency; 60 calls each."""
    finder, now_s = policy(40), 0.0
    for refused, hint_s, peers, latency_s in spells:
        if peers is not None and isinstance(finder, QuotaFinder):
            finder.hear_peers(now_s, *peers)
        for _ in range(60):
            now_s = send_when_allowed(finder, now_s)
            outcome = Outcome.THROTTLED if dice.random() < refused else Outcome.SUCCEEDED
            now_s += latency_s
            finder.done(now_s, Sample(outcome, latency_s, hint_s))
        state = finder.snapshot(now_s)
        assert 0.0 < state.rate_per_s < inf
        assert 0.0 <= state.usual_share_refused <= 1.0
        assert state.in_flight == 0
