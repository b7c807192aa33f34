"""Pure policies: retries, budget, drain, the guard against systemic failures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import TransientError
from worker.calls.retry import Backoff, RetryBudget, RetryPolicy
from worker.stopping.drain import Drained, DrainRule
from worker.stopping.systemic import SystemicGuard, Verdict

POLICY = RetryPolicy(tries=3, deadline_s=10.0, backoff=Backoff(1.0, 8.0))


def pause(
    error: TransientError,
    failures: int = 1,
    elapsed_s: float = 0.0,
    budget: RetryBudget | None = None,
) -> float | None:
    return POLICY.pause_before_retry_s(
        error,
        failures=failures,
        elapsed_s=elapsed_s,
        budget=budget or RetryBudget(0.2),
        random=lambda: 1.0,
    )


def test_pauses_double_up_to_the_maximum() -> None:
    backoff = Backoff(1.0, 8.0)
    assert [backoff.delay_s(n, lambda: 1.0) for n in range(1, 6)] == [1.0, 2.0, 4.0, 8.0, 8.0]


@given(st.integers(1, 1000), st.floats(0, 1), st.none() | st.floats(0, 100))
def test_a_pause_is_never_shorter_than_the_model_asked(
    failures: int, draw: float, floor_s: float | None
) -> None:
    delay_s = Backoff(0.5, 60.0).delay_s(failures, lambda: draw, floor_s)
    assert (floor_s or 0.0) <= delay_s <= max(60.0, floor_s or 0.0)


def test_the_tries_of_a_lease_are_counted() -> None:
    assert pause(TransientError("503"), failures=2) == 2.0
    assert pause(TransientError("503"), failures=3) is None


def test_a_retry_after_beyond_the_deadline_gives_the_lease_back() -> None:
    assert pause(TransientError("503", retry_after_s=9.0)) == 9.0
    assert pause(TransientError("503", retry_after_s=9.0), elapsed_s=2.0) is None


def test_an_outage_uses_up_the_budget_and_successes_fill_it() -> None:
    budget = RetryBudget(0.5, reserve=2.0)
    answers = [pause(TransientError("503"), budget=budget) for _ in range(3)]
    assert answers == [1.0, 1.0, None]
    budget.deposit()
    assert pause(TransientError("503"), budget=budget) is None
    budget.deposit()
    assert pause(TransientError("503"), budget=budget) == 1.0


def test_one_empty_pull_proves_nothing() -> None:
    rule = DrainRule(idle_s=2.0, missing_s=10.0)
    assert rule.empty(100.0) is Drained.NOT_YET
    assert rule.empty(101.9) is Drained.NOT_YET
    assert rule.empty(102.0) is Drained.ASK
    rule.busy()
    assert rule.empty(103.0) is Drained.NOT_YET


def test_a_drain_ends_only_when_nothing_is_missing() -> None:
    rule = DrainRule(idle_s=2.0, missing_s=10.0)
    rule.empty(100.0)
    assert rule.answer(3, 103.0) is Drained.NOT_YET
    assert rule.answer(3, 110.0) is Drained.MISSING
    assert rule.answer(0, 103.0) is Drained.DONE


def test_missing_parts_are_counted_less_and_less_often() -> None:
    rule = DrainRule(idle_s=2.0, missing_s=1000.0)
    rule.empty(0.0)
    asked_at_s = []
    for tenths in range(600):
        if rule.empty(tenths / 10) is Drained.ASK:
            asked_at_s.append(tenths / 10)
            rule.answer(1, tenths / 10)
    assert asked_at_s == [2.0, 4.0, 8.0, 16.0, 31.0, 46.0]


def test_the_guard_holds_until_the_limit() -> None:
    guard: SystemicGuard[int] = SystemicGuard(3, 5.0, [])
    assert [guard.suspect(n, 0.0) for n in range(3)] == [Verdict.HOLD, Verdict.HOLD, Verdict.STOP]
    assert guard.take() == [0, 1, 2]
    assert guard.held_back == 0


def test_the_guard_lets_go_at_a_success_or_after_a_pause() -> None:
    guard: SystemicGuard[int] = SystemicGuard(3, 5.0, [])
    assert guard.success() is Verdict.HOLD
    guard.suspect(1, 0.0)
    assert guard.idle(4.9) is Verdict.HOLD
    assert guard.idle(5.0) is Verdict.RELEASE
    assert guard.success() is Verdict.RELEASE
