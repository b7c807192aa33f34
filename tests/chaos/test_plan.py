"""A round's plan depends on its seed and on nothing else; together the seeds do everything."""

from __future__ import annotations

import random

from tests.chaos.plan import LONGEST_OF_A_BUDGET_S, MESSAGES, Act, Plan, Point, Restored, plan_of


def _plans(count: int) -> list[Plan]:
    return [plan_of(seed) for seed in range(count)]


def test_the_same_seed_is_the_same_plan() -> None:
    first = _plans(200)
    random.seed(1)  # the dice of the process are not those of the plan
    assert _plans(200) == first


def test_other_seeds_are_other_plans() -> None:
    assert len({repr(plan) for plan in _plans(200)}) == 200


def test_three_hundred_rounds_do_everything_that_can_be_done() -> None:
    plans = _plans(300)
    assert {step.act for plan in plans for step in plan.steps} == set(Act)
    deaths = [plan_of_one.death for plan in plans for plan_of_one in plan.lives]
    deaths += [plan_of_one.death for plan in plans for plan_of_one in plan.producers]
    assert {death.point for death in deaths if death} == set(Point)
    assert {plan.restoration.what for plan in plans if plan.restoration} == set(Restored)
    assert {plan.queue for plan in plans} == {"local", "pubsub"}
    assert {plan.budget for plan in plans} == {"", "cost", "images"}
    assert {plan.workers for plan in plans} == {1, 2, 3}
    lives = [life for plan in plans for life in plan.lives]
    assert {life.refused.durable for life in lives if life.refused} == {True, False}
    assert {life.grace_s for life in lives} == {0.0, 30.0}
    assert any(life.skew_s > 3600 for life in lives)
    assert any(life.skew_s < -3600 for life in lives)


def test_a_copy_is_older_than_what_it_replaces_and_keeps_to_what_can_be_told() -> None:
    restored = [plan for plan in _plans(600) if plan.restoration]
    for plan in restored:
        own = plan.restoration
        assert own is not None
        assert 0.0 <= own.copied_at <= own.restored_at <= 0.9
        if own.what is not Restored.MANIFESTS:
            assert plan.queue == "local"
        if own.what is Restored.WAREHOUSE:
            assert not plan.budget


def test_a_round_is_small_enough_to_be_quick() -> None:
    for plan in _plans(300):
        assert MESSAGES[0] <= plan.messages <= MESSAGES[1]
        assert len(plan.steps) <= 4
        assert [step.at for step in plan.steps] == sorted(step.at for step in plan.steps)


def test_clocks_of_a_run_with_a_budget_differ_by_less_than_half_an_hour() -> None:
    limited = [plan for plan in _plans(600) if plan.budget]
    assert limited
    for plan in limited:
        for life in plan.lives:
            assert abs(life.skew_s) <= LONGEST_OF_A_BUDGET_S
