"""Refusals in a batch: of single images, and of all that a job asks."""

from __future__ import annotations

from collections import deque

import pytest

from sightline.errors import ConfigurationError, Reason
from sightline.ports import (
    BatchOutcome,
)
from tests.worker.scripted_batches import (
    COST,
    SIGNS,
    Script,
    answered,
    engine,
)
from worker.batches.pass_rule import (
    SYSTEMIC_ROWS,
    UNUSABLE_ROWS,
)


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
    summary = await engine(Script({SIGNS: 100}, deque([some]))).work()
    assert summary.dead == {"permission_denied": 10}


@pytest.mark.parametrize("reason", [reason for reason in Reason if not reason.systemic])
async def test_what_speaks_of_single_images_is_no_fault_of_the_job(reason: Reason) -> None:
    refused = BatchOutcome(refused={reason.value: UNUSABLE_ROWS}, example="this image")
    summary = await engine(Script({SIGNS: UNUSABLE_ROWS}, deque([refused]))).work()
    assert summary.dead == {reason.value: UNUSABLE_ROWS}


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
