"""What work on batches says that it is about to do."""

from __future__ import annotations

from collections import deque

import pytest

from sightline.cli.views.batches import batch_plan_json
from sightline.operations.batches import BatchWorkPlan
from sightline.ports import Limits, PartBatch
from tests.worker.scripted_batches import COST, SIGNS, VECTORS, FakeBudgets, Script, run_budgets
from worker.batches.batch_worker import FIRST_PARTS
from worker.batches.plan import passes_for, plan


async def estimate(_: PartBatch) -> int:
    return COST


async def test_each_part_batch_is_listed_with_its_price_and_what_is_left_of_its_budget() -> None:
    script = Script({SIGNS: 30, VECTORS: 0}, deque())
    budgets = FakeBudgets(Limits(cost_usd_micros=20 * COST))
    plans = await plan(script, run_budgets(budgets), estimate, parts=10)
    (signs,) = batch_plan_json(BatchWorkPlan(plans))
    assert signs == {
        "run_id": "run-1", "what": "signs", "model": "m", "kind": "answers", "parts": 30,
        "passes": 3, "most_cost_usd": 30 * COST / 1e6, "bytes_read": 3000,
        "budget_left_usd": 20 * COST / 1e6, "budget_left_images": None, "bound_by_budget": True,
    }  # fmt: skip
    assert not [*script.parts_asked, *script.steps, *budgets.events]


async def test_part_batches_of_a_run_share_its_budget() -> None:
    script = Script({SIGNS: 15, VECTORS: 10}, deque())
    budgets = FakeBudgets(Limits(cost_usd_micros=20 * COST))
    signs, vectors = await plan(script, run_budgets(budgets), estimate, parts=10)
    assert (signs.budget_usd_micros, signs.bound) == (20 * COST, False)
    assert (vectors.budget_usd_micros, vectors.bound) == (5 * COST, True)


async def test_images_bound_it_too() -> None:
    script = Script({SIGNS: 30}, deque())
    (signs,) = await plan(script, run_budgets(FakeBudgets(Limits(images=20))), estimate, parts=10)
    assert (signs.budget_images, signs.budget_usd_micros, signs.bound) == (20, None, True)


async def test_without_a_budget_nothing_bounds_it() -> None:
    (vectors,) = await plan(
        Script({VECTORS: 4}, deque()), run_budgets(FakeBudgets()), estimate, parts=10
    )
    assert (vectors.budget_usd_micros, vectors.bound) == (None, False)


@pytest.mark.parametrize(
    ("left", "parts", "passes"),
    [
        (1, 10, 1),
        (10, 10, 1),
        (11, 10, 2),
        (FIRST_PARTS, 10_000, 1),
        (FIRST_PARTS + 1, 10_000, 2),
        (FIRST_PARTS + 10_001, 10_000, 3),
    ],
)
def test_the_first_pass_is_a_small_one(left: int, parts: int, passes: int) -> None:
    assert passes_for(left, parts) == passes
