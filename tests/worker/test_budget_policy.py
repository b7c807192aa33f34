"""The budget's pure policies: slices, holds and charges, and when a worker stops for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.ports import Amount, BudgetState, Limits
from tests.worker.ledger import MOMENT
from worker.budgets.budget_slice import (
    FEW_CALLS,
    SLICE_LASTS,
    SLICES,
    BudgetSlice,
    is_abandoned,
    next_step,
)
from worker.budgets.spent_out import SpentOutRule

COST = Amount(10)


def state(limit: int | None, reserved: int = 0, images: int | None = None) -> BudgetState:
    return BudgetState("run", Limits(limit, images), Amount(reserved))


def test_a_slice_is_a_fiftieth_of_the_budget() -> None:
    assert BudgetSlice().next_slice(state(100_000), COST) == Amount(100_000 // SLICES)


def test_a_slice_is_enough_for_a_few_calls() -> None:
    assert BudgetSlice().next_slice(state(100), COST) == Amount(FEW_CALLS * 10)


def test_the_last_slice_is_what_is_left() -> None:
    assert BudgetSlice().next_slice(state(100, reserved=85), COST) == Amount(15)
    assert BudgetSlice().next_slice(state(100, reserved=90), COST) == Amount(10)
    assert BudgetSlice().next_slice(state(100, reserved=91), COST) is None


def test_every_try_asks_for_less_but_for_enough() -> None:
    slices = [BudgetSlice().next_slice(state(100_000), COST, tries) for tries in range(9)]
    assert slices[:2] == [Amount(2000), Amount(1000)]
    assert slices[-1] == Amount(10)


def test_what_is_not_limited_is_not_reserved() -> None:
    assert BudgetSlice().next_slice(state(None, images=100), Amount(10, 1)) == Amount(0, FEW_CALLS)
    assert BudgetSlice(Limits(images=100)).covers(Amount(999))


def test_a_model_that_costs_nothing_needs_no_money() -> None:
    assert BudgetSlice(Limits(0)).take(Amount(0, 3)) == Amount()


def test_what_a_call_did_not_cost_is_there_for_the_next() -> None:
    budget_slice = BudgetSlice(Limits(100))
    budget_slice.reserved("a", Amount(10), MOMENT)
    budget_slice.kept(Amount(10))
    amount = budget_slice.take(COST)
    assert amount == COST
    assert budget_slice.take(Amount(1)) is None
    budget_slice.charge(amount, Amount(3))
    assert budget_slice.left == Amount(7)


def test_the_next_slice_makes_up_for_a_call_that_cost_more() -> None:
    budget_slice = BudgetSlice(Limits(1000), left=Amount(10))
    amount = budget_slice.take(COST)
    assert amount is not None
    budget_slice.charge(amount, Amount(25))
    assert budget_slice.left == Amount(-15)
    assert budget_slice.next_slice(state(1000, reserved=980), COST) is None
    assert budget_slice.next_slice(state(1000, reserved=975), COST) == Amount(25)


def test_a_slice_is_not_spent_once_others_may_give_it_back() -> None:
    budget_slice = BudgetSlice(Limits(100), left=Amount(10), last_at=MOMENT)
    assert not budget_slice.is_stale(MOMENT + SLICE_LASTS)
    assert budget_slice.is_stale(MOMENT + SLICE_LASTS + timedelta(seconds=1))
    assert not is_abandoned(MOMENT, MOMENT + SLICE_LASTS + timedelta(minutes=20))
    assert is_abandoned(MOMENT, MOMENT + timedelta(hours=2))


def test_what_is_pending_is_given_back_too_and_a_debt_stays() -> None:
    budget_slice = BudgetSlice(Limits(100, 10), left=Amount(-5, 3))
    budget_slice.reserved("a", Amount(20, 0), MOMENT)
    assert budget_slice.empty() == Amount(15, 3)
    assert (budget_slice.left, budget_slice.pending) == (Amount(-5, 0), Amount())
    assert budget_slice.empty() == Amount()


@given(
    st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**6),
    st.integers(-(10**6), 10**6), st.integers(0, 8),
)  # fmt: skip
def test_a_wish_fits_and_is_enough(
    limit: int, reserved: int, needed: int, left: int, tries: int
) -> None:
    budget_slice = BudgetSlice(Limits(limit), left=Amount(left))
    amount = budget_slice.next_slice(state(limit, reserved), Amount(needed), tries)
    if amount is None:
        assert limit - reserved < needed - left
    elif amount:
        assert reserved + amount.cost_usd_micros <= limit
        budget_slice.left += amount
        assert budget_slice.take(Amount(needed)) is not None
    else:
        assert left >= needed


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 80)), max_size=30))
def test_calls_together_cost_no_more_than_granted_and_what_exceeded_estimates(
    calls: list[tuple[int, int]],
) -> None:
    budget_slice = BudgetSlice(Limits(1000), left=Amount(200))
    spent = excess = 0
    for estimate, actual in calls:
        amount = budget_slice.take(Amount(estimate))
        if amount is None or not estimate:
            continue
        budget_slice.charge(amount, Amount(actual))
        spent += actual
        excess = max(excess, actual - estimate)
    assert spent <= 200 + excess
    assert budget_slice.left == Amount(200 - spent)


@pytest.mark.parametrize(
    ("limits", "images", "message"),
    [
        (Limits(10_000_000), 0, "sightline budget run --max-cost 20"),
        (Limits(10_000_000, 5), 5, "sightline budget run --max-images 10"),
        (Limits(None, 5), 5, "sightline budget run --max-images 10"),
        (Limits(0), 0, "sightline budget run --max-cost 0.01"),
    ],
)
def test_the_next_step_names_the_run_and_a_larger_budget(
    limits: Limits, images: int, message: str
) -> None:
    reached = BudgetState("run", limits, Amount(0, images))
    assert f"`{message}`" in next_step(reached)
    assert "`sightline cancel run`" in next_step(replace(reached, reached=True))


def test_a_worker_looks_after_a_while_of_refusals_alone() -> None:
    rule = SpentOutRule(2.0)
    assert not rule.is_time(10.0)
    rule.refused("run", 10.5)
    assert not rule.is_time(11.9)
    assert rule.is_time(12.0)
    assert rule.runs == {"run"}


def test_work_that_a_budget_allows_starts_the_wait_again() -> None:
    rule = SpentOutRule(2.0)
    rule.refused("run", 10.0)
    rule.worked(11.5)
    assert not rule.is_time(13.0)
    assert rule.runs == set()
    assert rule.is_time(13.5)
