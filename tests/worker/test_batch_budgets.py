"""Work on batches keeps to the budget of its run, whatever is killed or lasts for hours."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta

import pytest

from sightline.errors import BudgetError, ConfigurationError
from sightline.ports import (
    Amount,
    BatchOutcome,
    BudgetEvent,
    BudgetEventKind,
    Limits,
    PartBatch,
    UnspentReservation,
)
from tests.contracts.warehouse_rig import NOW
from tests.worker.scripted_batches import (
    COST,
    SIGNS,
    FakeBudgets,
    Script,
    answered,
    engine,
)
from worker.batches.batch_worker import over_budget


async def test_what_a_killed_process_had_received_counts_against_the_budget() -> None:
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))
    script = Script({SIGNS: 100}, deque([answered(10)]), kept=answered(20))
    summary = await engine(script, budgets=budgets).work()
    assert script.parts_asked == [10], "20 of the 30 were paid for before"
    assert summary.stopped_by
    assert (await budgets.states())["run-1"].reserved == Amount(30 * COST, 0)


async def test_what_a_killed_process_had_received_is_counted_beyond_the_budget() -> None:
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))
    script = Script({SIGNS: 100}, deque(), kept=answered(40))
    summary = await engine(script, budgets=budgets).work()
    assert (script.parts_asked, summary.answers) == ([], 40), (
        "it is written, and nothing more is asked"
    )
    assert (await budgets.states())["run-1"].reserved == Amount(40 * COST, 0)


async def test_a_budget_that_is_set_meanwhile_knows_what_was_under_way() -> None:
    budgets = FakeBudgets()

    class Limited(Script):
        async def ask(self, batch: PartBatch, parts: int) -> BatchOutcome:
            budgets.limits = Limits(cost_usd_micros=30 * COST)
            return await super().ask(batch, parts)

    script = Limited({SIGNS: 100}, deque([answered(20), answered(10)]))
    await engine(script, budgets=budgets, parts=20).work()
    assert script.parts_asked == [20, 10]
    assert (await budgets.states())["run-1"].reserved == Amount(30 * COST, 0)


async def test_a_budget_bounds_each_statement_and_ends_the_work() -> None:
    script = Script({SIGNS: 100}, deque([answered(30), answered(5)]))
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))
    summary = await engine(script, budgets=budgets).work()
    assert script.parts_asked == [30]
    assert summary.answers == 30
    error = over_budget(summary)
    assert isinstance(error, BudgetError)
    assert "run-1" in str(error)


async def test_what_answers_cost_less_than_held_buys_more_of_them() -> None:
    cheap = BatchOutcome(answered=30, cost_usd_micros=30)
    script = Script({SIGNS: 59}, deque([cheap, BatchOutcome(answered=27), answered(2)]))
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))
    summary = await engine(script, budgets=budgets).work()
    assert script.parts_asked == [30, 27, 2]
    assert summary.stopped_by is None


async def test_a_budget_that_is_reached_does_not_hold_up_other_runs() -> None:
    other = PartBatch("run-2", SIGNS.part)
    script = Script({SIGNS: 100, other: 5}, deque([answered(30), answered(5)]))
    summary = await engine(script, budgets=FakeBudgets(Limits(cost_usd_micros=30 * COST))).work()
    assert script.parts_asked == [30, 5]
    assert summary.stopped_by == "the budget of run run-1 is reached"


async def test_what_a_killed_process_held_of_a_budget_is_given_back_some_day() -> None:
    gone = UnspentReservation("w0", "e-gone", NOW - timedelta(hours=2), Amount(30 * COST, 0))
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST), held=[gone])
    budgets.events.append(
        BudgetEvent(
            "e-gone", "run-1", BudgetEventKind.RESERVED, "w0", 30 * COST, None, gone.last_at
        )
    )
    script = Script({SIGNS: 20}, deque([answered(20)]))
    summary = await engine(script, budgets=budgets).work()
    assert (script.parts_asked, summary.stopped_by) == ([20], None)


async def test_a_statement_that_lasts_for_hours_keeps_what_it_holds() -> None:
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))

    class Long(Script):
        async def ask(self, batch: PartBatch, parts: int) -> BatchOutcome:
            while len(budgets.events) < 4:  # noqa: ASYNC110 - time is the test's
                await asyncio.sleep(0)
            return await super().ask(batch, parts)

    await engine(Long({SIGNS: 30}, deque([answered(30)])), budgets=budgets).work()
    first, *renewals = budgets.events
    assert (first.cost_usd_micros, {renewal.cost_usd_micros for renewal in renewals}) == (
        30 * COST,
        {0},
    )


async def test_images_bound_it_too() -> None:
    script = Script({SIGNS: 100}, deque([answered(20)]))
    summary = await engine(script, budgets=FakeBudgets(Limits(images=20))).work()
    assert script.parts_asked == [20]
    assert summary.stopped_by


async def test_a_run_without_a_budget_never_reports_that_one_is_reached() -> None:
    nothing_left = Script({SIGNS: 0}, deque(), kept=answered(7))
    summary = await engine(nothing_left).work()
    assert (summary.stopped_by, over_budget(summary)) == (None, None)
    with pytest.raises(ConfigurationError, match="0 parts per statement"):
        engine(Script({SIGNS: 5}, deque()), parts=0)
