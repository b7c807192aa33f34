"""Estimates and samples: counts, tokens, prices, hours, and who is drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.estimate import Estimate, Prices, Rates, estimate
from producer.pilot import draw_strata, shares
from sightline.local.warehouse import LocalBudgets
from sightline.model import AnswerPart, Filter, PartRequest, RunRequest
from sightline.prices import ANSWER_TOKENS, Price, answer_usage, embedding_usage, input_tokens
from sightline.tasks import TaskSpec
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    POLE,
    SIGN,
    WarehouseRig,
    answer_part,
    answer_row,
    asking,
    observation,
    task,
)

TODAY = date(2026, 6, 1)
PRICE = Price("demo-1", date(2026, 1, 1), date(2026, 5, 31), input_usd=1.0, output_usd=10.0)
PRICES = Prices({"demo-1": PRICE}.get, "global", "global", TODAY)
NO_RATES = Rates(None, None)
TASK = task()


@pytest.fixture
def rig(tmp_path: Path) -> WarehouseRig:
    """Return an empty warehouse."""
    return local_rig(tmp_path)


async def estimated(
    rig: WarehouseRig,
    root: Path,
    request: RunRequest,
    tasks: tuple[TaskSpec, ...] = (TASK,),
    *,
    prices: Prices = PRICES,
    rates: Rates = NO_RATES,
) -> Estimate:
    """Return what a run would cost."""
    return await estimate(
        rig.source, LocalBudgets(root / "warehouse"), request, tasks, prices, rates
    )


async def test_parts_are_counted_and_priced_as_the_assumptions_say(
    rig: WarehouseRig, tmp_path: Path
) -> None:
    await rig.load([observation(number) for number in range(8)])
    expectation = await estimated(rig, tmp_path, asking(answer_part(TASK), EMBEDDING))
    answers, embeddings = expectation.lines
    tokens = input_tokens(TASK, 1)
    assert (answers.what, answers.calls, answers.history_calls) == ("signs", 8, 0)
    assert answers.usage_a_call.input_tokens == tokens > 560
    assert answers.usage_a_call.output_tokens == ANSWER_TOKENS
    assert answers.cost_usd_micros == 8 * (tokens + 10 * ANSWER_TOKENS)
    assert (embeddings.what, embeddings.calls) == ("embedding", 8)
    assert expectation.cost_usd_micros == answers.cost_usd_micros + embeddings.cost_usd_micros
    assert answers.price_is_old
    assert expectation.hours is None
    assert await rig.runs.runs() == []


async def test_output_is_that_of_answers_in_the_ledgers(rig: WarehouseRig, tmp_path: Path) -> None:
    await rig.load([observation(number) for number in range(8)])
    await rig.open(asking(answer_part(TASK)), "run-1")
    first, *_ = await rig.publish("run-1")
    await rig.writer.write([answer_row(first, answer_part(TASK))])
    await rig.runs.cancel("run-1", now=NOW)
    (line,) = (await estimated(rig, tmp_path, asking(answer_part(TASK)))).lines
    assert (line.calls, line.history_calls, line.usage_a_call.output_tokens) == (7, 1, 20)


async def test_a_model_without_a_price_costs_nothing(rig: WarehouseRig, tmp_path: Path) -> None:
    await rig.load([observation(1)])
    free = replace(PRICES, price_of=lambda _model: None)
    expectation = await estimated(rig, tmp_path, asking(answer_part(TASK), EMBEDDING), prices=free)
    assert expectation.cost_usd_micros == 0
    assert [line.price_since for line in expectation.lines] == [None, None]


async def test_the_slowest_model_decides_how_long_it_takes(
    rig: WarehouseRig, tmp_path: Path
) -> None:
    await rig.load([observation(number) for number in range(36)])
    request = asking(answer_part(TASK), EMBEDDING)
    expectation = await estimated(rig, tmp_path, request, rates=Rates(0.01, 10.0))
    assert expectation.hours == pytest.approx(1.0)


async def test_a_limit_is_shared_out_among_the_parts(rig: WarehouseRig, tmp_path: Path) -> None:
    await rig.load([observation(number) for number in range(16)])
    request = asking(PartRequest(answer_part(TASK), (SIGN,)), EMBEDDING, which=Filter(limit=6))
    expectation = await estimated(rig, tmp_path, request)
    assert expectation.shared_out
    assert abs(sum(line.calls for line in expectation.lines) - expectation.preview.to_publish) <= 1
    assert expectation.preview.messages == 6


async def test_all_images_of_an_asset_are_sent_in_one_call(
    rig: WarehouseRig, tmp_path: Path
) -> None:
    whole = task("assets", by_asset=True)
    await rig.load([observation(number) for number in range(8)])
    request = asking(PartRequest(answer_part(whole), (SIGN,), by_asset=True))
    (line,) = (await estimated(rig, tmp_path, request, (whole,))).lines
    assert (line.calls, line.images_a_call) == (2, 2.0)
    assert line.usage_a_call.input_tokens == input_tokens(whole, 2)


def test_an_answer_is_never_longer_than_its_task_allows() -> None:
    short = replace(TASK, max_output_tokens=50)
    usage = answer_usage(short, PRICE, images=1, output_tokens=200, location="global")
    assert usage.output_tokens == 50


def test_an_embedding_is_priced_by_tokens_or_by_image() -> None:
    by_tokens = Price("e", TODAY, input_usd=0.2, image_input_usd=0.45, tokens_an_image=258)
    assert embedding_usage(by_tokens, location="global").cost_usd_micros == round(258 * 0.45)
    assert embedding_usage(Price("e", TODAY, usd_an_image=0.0001), location="x") == replace(
        embedding_usage(None, location="x"), cost_usd_micros=100
    )


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 500), max_size=9), st.integers(1, 200))
def test_shares_are_in_proportion_and_leave_no_type_out(to_do: dict[str, int], sample: int) -> None:
    shared = shares(to_do, sample)
    total = sum(to_do.values())
    assert set(shared) == {name for name, count in to_do.items() if count}
    assert all(1 <= shared[name] <= to_do[name] for name in shared)
    assert min(sample, total) <= sum(shared.values()) <= max(sample, len(shared))
    for name, count in shared.items():
        assert count <= max(1, sample * to_do[name] / total + 1)


async def test_a_sample_is_of_every_type_and_of_what_is_to_do(rig: WarehouseRig) -> None:
    await rig.load([observation(number) for number in range(40)])
    request = asking(PartRequest(answer_part(TASK), (SIGN,)), PartRequest(EMBEDDING, (POLE,)))
    first = await draw_strata(rig.source, request, 10)
    assert [(stratum.asset_type, stratum.messages, stratum.sample) for stratum in first] == [
        (SIGN, 20, 5), (POLE, 20, 5),
    ]  # fmt: skip
    assert await draw_strata(rig.source, request, 10) == first
    subject_ids: set[str] = set()
    for turn in range(2):
        for place, stratum in enumerate(await draw_strata(rig.source, request, 10)):
            run = await rig.open(stratum.request, f"run-{turn}-{place}")
            items = await rig.publish(run.run_id)
            assert run.messages == 5
            assert {item.observations[0].asset_type for item in items} == {stratum.asset_type}
            subject_ids |= {item.subject_id for item in items}
    assert len(subject_ids) == 20


async def test_nothing_to_do_is_no_sample(rig: WarehouseRig) -> None:
    await rig.load([observation(1)])
    await rig.open(asking(EMBEDDING), "run-1")
    assert await draw_strata(rig.source, asking(EMBEDDING), 10) == []
    assert isinstance(answer_part(TASK), AnswerPart)
