"""Work on batches: what is asked again, what ends it, and what a restart finds."""

from __future__ import annotations

from collections import deque

import pytest

from sightline.errors import TransientError
from sightline.ports import (
    Amount,
    BatchOutcome,
    Limits,
)
from tests.worker.scripted_batches import (
    COST,
    SIGNS,
    VECTORS,
    FakeBudgets,
    Script,
    answered,
    engine,
)
from worker.batches.batch_worker import FIRST_PARTS, refused_for_now
from worker.batches.pass_rule import (
    FRUITLESS,
)


async def test_refused_for_now_is_asked_again_until_nothing_is_left() -> None:
    brings = [answered(60, retryable=40), answered(30, retryable=10), answered(10)]
    script = Script({SIGNS: 100, VECTORS: 5}, deque([*brings, answered(5)]))
    summary = await engine(script).work()
    assert (summary.answers, summary.embeddings, summary.passes) == (100, 5, 4)
    assert summary.cost_usd_micros == 105 * COST
    assert script.parts_asked == [100, 40, 10, 5]
    assert refused_for_now(summary, "bigquery") is None
    assert script.steps.count("close") == 2


async def test_two_passes_without_progress_end_it_and_say_so() -> None:
    stuck = BatchOutcome(retryable=100, example="A retryable error occurred: RESOURCE_EXHAUSTED")
    script = Script({SIGNS: 100, VECTORS: 5}, deque([stuck] * FRUITLESS + [answered(5)]))
    summary = await engine(script).work()
    assert summary.embeddings == 5, "the other batches are worked off"
    error = refused_for_now(summary, "bigquery")
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


async def test_pauses_grow_while_nothing_comes_back() -> None:
    script = Script(
        {SIGNS: 3}, deque([BatchOutcome(retryable=3), answered(2, retryable=1), answered(1)])
    )
    await engine(script).work()
    assert [step for step in script.steps if step.startswith("wait")] == ["wait 60", "wait 30"]


async def test_what_a_killed_process_had_received_is_written_first() -> None:
    script = Script({SIGNS: 0}, deque(), kept=answered(7))
    summary = await engine(script).work()
    assert summary.answers == 7
    assert script.steps == ["open m", "settle", "close"]


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


async def test_a_statement_asks_about_no_more_than_it_may() -> None:
    script = Script({SIGNS: 25}, deque([answered(10), answered(10), answered(5)]))
    await engine(script, parts=10).work()
    assert script.parts_asked == [10, 10, 5]


async def test_all_of_a_part_batch_is_asked_about_only_once_some_of_it_came_back() -> None:
    brings = [BatchOutcome(), answered(FIRST_PARTS), answered(5000 - FIRST_PARTS)]
    script = Script({SIGNS: 5000}, deque(brings))
    await engine(script, parts=10_000).work()
    assert script.parts_asked == [FIRST_PARTS, FIRST_PARTS, 5000 - FIRST_PARTS]


async def test_the_first_statement_of_a_part_batch_is_a_small_one() -> None:
    brings = [answered(FIRST_PARTS), answered(5000 - FIRST_PARTS)]
    script = Script({SIGNS: 5000}, deque(brings))
    await engine(script, parts=10_000).work()
    assert script.parts_asked == [FIRST_PARTS, 5000 - FIRST_PARTS]
