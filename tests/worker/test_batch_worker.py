"""Work on batches: what is asked again, what ends it, what a restart finds, what it may cost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from sightline.errors import BudgetError, ConfigurationError, Reason, TransientError
from sightline.model import AnswerPart, EmbeddingPart
from sightline.ports import (
    Amount,
    BatchOutcome,
    BudgetEvent,
    BudgetEventKind,
    BudgetState,
    Limits,
    PartBatch,
    UnspentReservation,
    WarehouseUsage,
)
from tests.contracts.warehouse_rig import NOW
from worker.batches.batch_worker import FIRST_PARTS, BatchWorker, over_budget, refused_for_now
from worker.batches.pass_rule import (
    FRUITLESS,
    LONGEST_PAUSE_S,
    SYSTEMIC_ROWS,
    UNUSABLE_ROWS,
    Next,
    Pass,
    PassRule,
)
from worker.budgets.run_budgets import RunBudgets

SIGNS = PartBatch("run-1", AnswerPart("signs", "f", "m"))
VECTORS = PartBatch("run-1", EmbeddingPart("m", 4))
COST = 10


@dataclass
class Script:
    """Batches that bring what they are told to, and are killed where they are told to be."""

    parts: dict[PartBatch, int]
    brings: deque[BatchOutcome | Exception]
    steps: list[str] = field(default_factory=list)
    parts_asked: list[int] = field(default_factory=list)
    kept: BatchOutcome = field(default_factory=BatchOutcome)
    held: list[PartBatch] = field(default_factory=list)

    @property
    def usage(self) -> WarehouseUsage:
        return WarehouseUsage(10, 20) if self.parts_asked else WarehouseUsage()

    async def batches(self, run_id: str | None = None) -> Sequence[PartBatch]:
        return [batch for batch in self.parts if run_id in (None, batch.run_id)]

    async def unsettled(self, batch: PartBatch) -> int:
        return self.parts[batch] + _settled(self.kept)

    async def weight(self, batch: PartBatch) -> int:
        return 1000

    @asynccontextmanager
    async def claim(self, batch: PartBatch) -> AsyncIterator[None]:
        self.held.append(batch)
        try:
            yield
        finally:
            self.held.remove(batch)

    async def open(self, batch: PartBatch) -> None:
        assert self.held == [batch], "held by this process"
        self.steps.append(f"open {batch.part.model}")

    async def left(self, batch: PartBatch) -> int:
        return self.parts[batch]

    async def ask(self, batch: PartBatch, parts: int) -> BatchOutcome:
        self.parts_asked.append(parts)
        outcome = self.brings.popleft()
        if isinstance(outcome, Exception):
            raise outcome
        self.parts[batch] -= _settled(outcome)
        self.kept = outcome
        return outcome

    async def outcome(self, batch: PartBatch) -> BatchOutcome:
        return self.kept

    async def settle(self, batch: PartBatch) -> None:
        self.steps.append("settle")
        self.kept = BatchOutcome()

    async def discard(self, batch: PartBatch) -> None:
        self.steps.append("discard")
        self.parts[batch] += _settled(self.kept)

    async def close(self, batch: PartBatch) -> None:
        self.steps.append("close")


def _settled(outcome: BatchOutcome) -> int:
    return outcome.answered + sum(outcome.refused.values())


@dataclass
class FakeBudgets:
    """The ledger of budgets, of one run with limits or of none."""

    limits: Limits = field(default_factory=Limits)
    events: list[BudgetEvent] = field(default_factory=list)
    held: list[object] = field(default_factory=list)

    async def record(self, events: Sequence[BudgetEvent]) -> None:
        self.events.extend(events)

    async def states(self, run_id: str | None = None) -> Mapping[str, BudgetState]:
        if not self.limits:
            return {}
        reserved = Amount()
        for event in self.events:
            amount = Amount(event.cost_usd_micros or 0, event.images or 0)
            if event.event is BudgetEventKind.RESERVED:
                reserved += amount
            elif event.event is BudgetEventKind.RELEASED:
                reserved -= amount
        return {"run-1": BudgetState("run-1", self.limits, reserved)}

    async def spent(self, run_id: str) -> Amount:
        return Amount()

    async def unspent_reservations(self, run_id: str) -> Sequence[object]:
        return self.held


def engine(script: Script, *, budgets: FakeBudgets | None = None, parts: int = 100) -> BatchWorker:
    """Return the loop over a script; pauses take no time and are written down."""

    async def estimate(_: PartBatch) -> int:
        return COST

    async def sleep(seconds: float) -> None:
        script.steps.append(f"wait {seconds:g}")

    return BatchWorker(
        script, run_budgets(budgets or FakeBudgets()), estimate, parts=parts, sleep=sleep
    )


def run_budgets(budgets: FakeBudgets) -> RunBudgets:
    """Return the budgets of a process, over a ledger of one run."""
    numbers = iter(range(10_000))
    return RunBudgets(
        budgets, worker_id="w1", now=lambda: NOW, new_id=lambda: f"e{next(numbers)}",  # type: ignore[arg-type]  # a part of the port
        random=lambda: 0.0, pause_s=0.0, sleep=no_time,
    )  # fmt: skip


async def no_time(_: float) -> None:
    await asyncio.sleep(0)


def answered(count: int, **more: object) -> BatchOutcome:
    """Return what brought so many answers."""
    return BatchOutcome(answered=count, cost_usd_micros=count * COST, **more)  # type: ignore[arg-type]  # as named


async def test_refused_for_now_is_asked_again_until_nothing_is_left() -> None:
    brings = [answered(60, retryable=40), answered(30, retryable=10), answered(10)]
    script = Script({SIGNS: 100, VECTORS: 5}, deque([*brings, answered(5)]))
    done = await engine(script).work()
    assert (done.answers, done.embeddings, done.passes) == (100, 5, 4)
    assert done.cost_usd_micros == 105 * COST
    assert script.parts_asked == [100, 40, 10, 5]
    assert refused_for_now(done, "bigquery") is None
    assert script.steps.count("close") == 2


async def test_two_passes_without_progress_end_it_and_say_so() -> None:
    stuck = BatchOutcome(retryable=100, example="A retryable error occurred: RESOURCE_EXHAUSTED")
    script = Script({SIGNS: 100, VECTORS: 5}, deque([stuck] * FRUITLESS + [answered(5)]))
    done = await engine(script).work()
    assert done.embeddings == 5, "the other batches are worked off"
    error = refused_for_now(done, "bigquery")
    assert isinstance(error, TransientError)
    assert "signs: 100 parts" in str(error)
    assert "RESOURCE_EXHAUSTED" in str(error)
    assert script.steps.count("close") == 1, "what is stuck stays as it is"


async def test_a_job_that_says_nothing_twice_ends_it_too() -> None:
    script = Script({SIGNS: 100}, deque([BatchOutcome()] * FRUITLESS))
    error = refused_for_now(await engine(script).work(), "batch")
    assert (
        "signs: 100 parts, without a reported reason; run `sightline work --engine batch`"
        in str(error)
    )


async def test_pauses_grow_while_nothing_is_brought() -> None:
    script = Script(
        {SIGNS: 3}, deque([BatchOutcome(retryable=3), answered(2, retryable=1), answered(1)])
    )
    await engine(script).work()
    assert [step for step in script.steps if step.startswith("wait")] == ["wait 60", "wait 30"]


@pytest.mark.parametrize("reason", ["permission_denied", "model_rejected_request"])
async def test_what_everything_is_refused_for_is_a_fault_of_the_job(reason: str) -> None:
    denied = BatchOutcome(refused={reason: SYSTEMIC_ROWS}, example="the connection may not")
    script = Script({SIGNS: SYSTEMIC_ROWS}, deque([denied]))
    with pytest.raises(ConfigurationError, match="the connection may not"):
        await engine(script).work()
    assert "settle" not in script.steps, "no dead letter is written"
    assert script.parts[SIGNS] == SYSTEMIC_ROWS, "all of it is asked again some day"


async def test_some_refusals_become_dead_letters() -> None:
    some = answered(90, refused={"permission_denied": 10})
    done = await engine(Script({SIGNS: 100}, deque([some]))).work()
    assert done.dead == {"permission_denied": 10}


async def test_what_a_killed_process_was_brought_is_written_first() -> None:
    script = Script({SIGNS: 0}, deque(), kept=answered(7))
    done = await engine(script).work()
    assert done.answers == 7
    assert script.steps == ["open m", "settle", "close"]


async def test_what_a_killed_process_was_brought_counts_against_the_budget() -> None:
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))
    script = Script({SIGNS: 100}, deque([answered(10)]), kept=answered(20))
    done = await engine(script, budgets=budgets).work()
    assert script.parts_asked == [10], "20 of the 30 were paid for before"
    assert done.stopped_by
    assert (await budgets.states())["run-1"].reserved == Amount(30 * COST, 0)


async def test_what_a_killed_process_was_brought_is_counted_beyond_the_budget() -> None:
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))
    script = Script({SIGNS: 100}, deque(), kept=answered(40))
    done = await engine(script, budgets=budgets).work()
    assert (script.parts_asked, done.answers) == ([], 40), (
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


async def test_a_run_that_is_done_is_not_opened() -> None:
    script = Script({SIGNS: 0, VECTORS: 5}, deque([answered(5)]))
    await engine(script).work()
    assert script.steps == ["open m", "settle", "close"]


async def test_a_job_that_fails_again_and_again_leaves_all_as_it_is() -> None:
    script = Script({SIGNS: 10}, deque([TransientError("the job failed; try again")]))
    budgets = FakeBudgets(Limits(cost_usd_micros=1000))
    with pytest.raises(TransientError, match="the job failed"):
        await engine(script, budgets=budgets).work()
    assert (await budgets.states())["run-1"].reserved == Amount(), "what was held is given back"


async def test_a_budget_bounds_each_statement_and_ends_the_work() -> None:
    script = Script({SIGNS: 100}, deque([answered(30), answered(5)]))
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))
    done = await engine(script, budgets=budgets).work()
    assert script.parts_asked == [30]
    assert done.answers == 30
    error = over_budget(done)
    assert isinstance(error, BudgetError)
    assert "run-1" in str(error)


async def test_what_answers_cost_less_than_held_buys_more_of_them() -> None:
    cheap = BatchOutcome(answered=30, cost_usd_micros=30)
    script = Script({SIGNS: 59}, deque([cheap, BatchOutcome(answered=27), answered(2)]))
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST))
    done = await engine(script, budgets=budgets).work()
    assert script.parts_asked == [30, 27, 2]
    assert done.stopped_by is None


async def test_a_budget_that_is_reached_does_not_hold_up_other_runs() -> None:
    other = PartBatch("run-2", SIGNS.part)
    script = Script({SIGNS: 100, other: 5}, deque([answered(30), answered(5)]))
    done = await engine(script, budgets=FakeBudgets(Limits(cost_usd_micros=30 * COST))).work()
    assert script.parts_asked == [30, 5]
    assert done.stopped_by == "the budget of run run-1 is reached"


async def test_what_a_killed_process_held_of_a_budget_is_given_back_some_day() -> None:
    gone = UnspentReservation("w0", "e-gone", NOW - timedelta(hours=2), Amount(30 * COST, 0))
    budgets = FakeBudgets(Limits(cost_usd_micros=30 * COST), held=[gone])
    budgets.events.append(
        BudgetEvent(
            "e-gone", "run-1", BudgetEventKind.RESERVED, "w0", 30 * COST, None, gone.last_at
        )
    )
    script = Script({SIGNS: 20}, deque([answered(20)]))
    done = await engine(script, budgets=budgets).work()
    assert (script.parts_asked, done.stopped_by) == ([20], None)


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
    done = await engine(script, budgets=FakeBudgets(Limits(images=20))).work()
    assert script.parts_asked == [20]
    assert done.stopped_by


async def test_a_statement_asks_about_no_more_than_it_may() -> None:
    script = Script({SIGNS: 25}, deque([answered(10), answered(10), answered(5)]))
    await engine(script, parts=10).work()
    assert script.parts_asked == [10, 10, 5]


async def test_a_run_without_a_budget_never_reports_that_one_is_reached() -> None:
    nothing_left = Script({SIGNS: 0}, deque(), kept=answered(7))
    done = await engine(nothing_left).work()
    assert (done.stopped_by, over_budget(done)) == (None, None)
    with pytest.raises(ConfigurationError, match="0 parts per statement"):
        engine(Script({SIGNS: 5}, deque()), parts=0)


@pytest.mark.parametrize("reason", [reason for reason in Reason if not reason.systemic])
async def test_what_speaks_of_single_images_is_no_fault_of_the_job(reason: Reason) -> None:
    refused = BatchOutcome(refused={reason.value: UNUSABLE_ROWS}, example="this image")
    done = await engine(Script({SIGNS: UNUSABLE_ROWS}, deque([refused]))).work()
    assert done.dead == {reason.value: UNUSABLE_ROWS}


def test_progress_makes_up_for_a_fruitless_pass() -> None:
    rule = PassRule()
    nothing, some = Pass(0, 0, 5), Pass(1, 0, 4)
    assert [rule.after(outcome) for outcome in (nothing, some, nothing)] == [Next.GO_ON] * 3
    assert rule.after(nothing) is Next.STUCK


def test_the_longest_pause_is_bounded() -> None:
    rule = PassRule()
    for _ in range(30):
        rule.after(Pass(0, 0, 1))
    assert rule.pause_s(Pass(0, 0, 1)) == LONGEST_PAUSE_S
    assert rule.pause_s(Pass(1, 0, 0)) == 0.0


async def test_answers_of_which_none_can_be_used_end_it_before_the_next_statement() -> None:
    useless = BatchOutcome(
        refused={"answer_invalid": 30, "answer_truncated": UNUSABLE_ROWS - 30},
        cost_usd_micros=UNUSABLE_ROWS * COST,
    )
    script = Script({SIGNS: 5000}, deque([useless]))
    with pytest.raises(ConfigurationError, match=f"not one of {UNUSABLE_ROWS} answers to signs"):
        await engine(script).work()
    assert "settle" in script.steps, "they are paid for, so they are kept"
    assert len(script.parts_asked) == 1


async def test_all_of_a_lot_is_asked_about_only_once_some_of_it_came_back() -> None:
    brings = [BatchOutcome(), answered(FIRST_PARTS), answered(5000 - FIRST_PARTS)]
    script = Script({SIGNS: 5000}, deque(brings))
    await engine(script, parts=10_000).work()
    assert script.parts_asked == [FIRST_PARTS, FIRST_PARTS, 5000 - FIRST_PARTS]


async def test_a_lot_s_first_statement_is_a_small_one() -> None:
    brings = [answered(FIRST_PARTS), answered(5000 - FIRST_PARTS)]
    script = Script({SIGNS: 5000}, deque(brings))
    await engine(script, parts=10_000).work()
    assert script.parts_asked == [FIRST_PARTS, 5000 - FIRST_PARTS]
