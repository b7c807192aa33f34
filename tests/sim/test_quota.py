"""The quota, the faults and the latency as state machines, in virtual time."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from sightline.sim.vertex import (
    ANY_MODEL,
    Behaviour,
    Fault,
    FaultMix,
    Latency,
    Quota,
    RateStep,
    Schedule,
    Service,
    Verb,
)


def admitted(quota: Quota, *, start_s: float, stop_s: float, calls_per_s: int) -> int:
    """Return how many of evenly spaced calls are admitted."""
    calls = round((stop_s - start_s) * calls_per_s)
    return sum(quota.admit(start_s + place / calls_per_s) for place in range(calls))


def test_a_full_bucket_admits_one_second_of_the_rate_at_once() -> None:
    quota = Quota(Schedule.constant(50), now_s=10.0)
    assert sum(quota.admit(10.0) for _ in range(200)) == 50


def test_over_time_the_rate_is_admitted_and_no_more() -> None:
    quota = Quota(Schedule.constant(50), now_s=0.0)
    assert sum(quota.admit(0.0) for _ in range(50)) == 50
    assert admitted(quota, start_s=0.0, stop_s=20.0, calls_per_s=400) in range(998, 1001)


def test_a_slow_quota_still_admits_single_calls() -> None:
    quota = Quota(Schedule.constant(0.5), now_s=0.0)
    assert [quota.admit(at_s) for at_s in (0.0, 1.0, 2.0, 3.0, 4.0)] == [
        True, False, True, False, True
    ]  # fmt: skip


def test_the_rate_follows_its_schedule() -> None:
    schedule = Schedule.of([RateStep(0, 50), RateStep(10, 20), RateStep(20, 80)])
    quota = Quota(schedule, now_s=100.0)
    while quota.admit(100.0):
        pass
    seconds = [
        admitted(quota, start_s=100.0 + at_s, stop_s=110.0 + at_s, calls_per_s=200)
        for at_s in (0, 10, 20)
    ]
    assert seconds == pytest.approx([500, 200, 800], abs=3)


def test_a_quota_by_the_minute_admits_its_calls_early_and_then_none_until_the_next() -> None:
    quota = Quota(Schedule.constant(2, window_s=60), now_s=10.0)
    assert sum(quota.admit(12.0) for _ in range(500)) == 120
    assert not quota.admit(69.9)
    assert quota.wait_s(69.0) == pytest.approx(1.0)
    assert sum(quota.admit(70.0) for _ in range(500)) == 120
    assert quota.wait_s(130.0) == 0.0


def test_an_idle_time_across_a_change_is_filled_at_each_rate() -> None:
    quota = Quota(Schedule.of([RateStep(0, 10), RateStep(1, 100)], burst_s=1), now_s=0.0)
    assert sum(quota.admit(0.0) for _ in range(10)) == 10
    # Half a second at 10/s brings 5, and 0.3 s at 100/s brings 30.
    assert sum(quota.admit(0.5) for _ in range(10)) == 5
    assert sum(quota.admit(1.3) for _ in range(100)) == 35


def test_a_lower_rate_takes_away_what_its_bucket_cannot_hold() -> None:
    quota = Quota(Schedule.of([RateStep(0, 100), RateStep(5, 10)]), now_s=0.0)
    assert sum(quota.admit(5.0) for _ in range(100)) == 10


def test_no_quota_admits_everything_and_a_quota_of_nothing_admits_nothing() -> None:
    free, closed = Quota(Schedule(), now_s=0.0), Quota(Schedule.constant(0), now_s=0.0)
    assert all(free.admit(0.0) for _ in range(10_000))
    assert closed.admit(0.0)  # a full bucket holds one call at least
    assert not any(closed.admit(float(at_s)) for at_s in range(1000))
    assert closed.wait_s(1000.0) == 3600.0


def test_a_refusal_can_say_when_the_next_token_comes() -> None:
    quota = Quota(Schedule.constant(4), now_s=0.0)
    assert [quota.admit(0.0) for _ in range(5)][-1] is False
    assert quota.wait_s(0.0) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [RateStep(5, 1), RateStep(1, 1)],
        [RateStep(-1, 1)],
        [RateStep(0, -1)],
        [RateStep(0, float("nan"))],
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(steps: list[RateStep]) -> None:
    with pytest.raises(ValueError, match="give"):
        Schedule.of(steps)


def test_each_model_has_its_own_bucket() -> None:
    behaviour = Behaviour(schedules={ANY_MODEL: Schedule.constant(1), "fast": Schedule.constant(3)})
    service = Service(behaviour, random.Random(1), now_s=0.0)
    over = {
        model: [service.decide(model, Verb.GENERATE, now_s=0.0).over_quota for _ in range(4)]
        for model in ("a", "b", "fast")
    }
    assert over["a"] == over["b"] == [False, True, True, True]
    assert over["fast"] == [False, False, False, True]


def test_other_changes_leave_the_quota_s_bucket_as_it_is() -> None:
    service = Service(Behaviour({ANY_MODEL: Schedule.constant(1)}), random.Random(1), now_s=0.0)
    service.decide("a", Verb.GENERATE, now_s=0.0)
    service.behave(Behaviour({ANY_MODEL: Schedule.constant(1)}, latency=Latency(1.0)), now_s=0.1)
    assert service.decide("a", Verb.GENERATE, now_s=0.1).over_quota


def test_faults_come_as_often_as_their_share() -> None:
    mix = FaultMix({Fault.RESET: 0.1, Fault.SAFETY: 0.3})
    dice = random.Random(7)
    counts = Counter(mix.draw(dice.random(), Verb.GENERATE) for _ in range(20_000))
    assert counts[Fault.RESET] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert counts[Fault.SAFETY] / 20_000 == pytest.approx(0.3, abs=0.01)
    embedding = {mix.draw(dice.random(), Verb.PREDICT) for _ in range(1000)}
    assert embedding == {None, Fault.RESET}


def test_shares_of_more_than_everything_are_refused() -> None:
    with pytest.raises(ValueError, match="add up"):
        FaultMix({Fault.RESET: 0.6, Fault.HANG: 0.6})


def test_latency_has_the_median_and_the_tail_that_it_was_given() -> None:
    dice = random.Random(3)
    latency = Latency(median_s=2.0, p99_s=8.0)
    latencies_s = sorted(latency.answer_s(dice) for _ in range(20_000))
    assert latencies_s[10_000] == pytest.approx(2.0, rel=0.05)
    assert latencies_s[19_800] == pytest.approx(8.0, rel=0.1)
    assert Latency(median_s=2.0).answer_s(dice) == 2.0


def test_the_same_seed_decides_the_same() -> None:
    behaviour = Behaviour(
        faults=FaultMix({Fault.INTERNAL: 0.5}), latency=Latency(median_s=1.0, p99_s=5.0)
    )
    first, second = (Service(behaviour, random.Random(9), now_s=0.0) for _ in range(2))
    for at_s in range(100):
        assert first.decide("m", Verb.EMBED, now_s=at_s) == second.decide(
            "m", Verb.EMBED, now_s=at_s
        )


def test_a_refusal_is_quick_though_answers_are_slow() -> None:
    behaviour = Behaviour(
        {ANY_MODEL: Schedule.constant(1)}, latency=Latency(median_s=2.0, refusal_s=0.1)
    )
    service = Service(behaviour, random.Random(1), now_s=0.0)
    delays = [service.decide("m", Verb.GENERATE, now_s=0.0).delay_s for _ in range(2)]
    assert delays == [2.0, 0.1]
