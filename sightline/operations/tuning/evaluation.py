"""Evaluates a tuned model: compares it with its base model on images that neither was tuned with.

The requests are those of workers, with the limiter and the retries that workers have.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.analysis.paired import FieldComparison, Pair, compared
from sightline.export.tuning_set import HeldOut
from sightline.operations.tuning.evaluation_budget import EvaluationBudget
from sightline.operations.tuning.evaluation_plan import BASE, TUNED, EvaluationPlan
from sightline.operations.tuning.model_answers import AskedModel, ModelAnswer, worker_caller
from sightline.progress import Progress, no_progress
from sightline.settings import Settings
from sightline.wiring.tuning import open_compared


@dataclass(frozen=True, slots=True)
class TuningEvaluation:
    """How both models answered about the same images.

    ``left_out`` counts the assets that could not be compared, by reason. ``failed`` counts, for
    each model, the unusable answers, by reason; they count as wrong.
    """

    plan: EvaluationPlan
    compared: int
    left_out: Mapping[str, int]
    failed: Mapping[str, Mapping[str, int]]
    fields: Sequence[FieldComparison]
    calls: int
    usd_micros: int


async def evaluate_tuning(
    settings: Settings, plan: EvaluationPlan, *, progress: Progress = no_progress
) -> TuningEvaluation:
    """Call both models for each image of a plan, and compare their answers with the right ones.

    Raises:
        ConfigurationError: a model cannot be called at all.
    """
    budget = EvaluationBudget(plan.limit_usd_micros, plan.call_usd_micros)
    answers = await _ask_both(settings, plan, budget, progress)
    pairs: list[Pair] = []
    left_out, failed = Counter[str](), {BASE: Counter[str](), TUNED: Counter[str]()}
    for row in plan.rows:
        both = {side: answers[side][row.observation_id] for side in (BASE, TUNED)}
        reason = next((answer.left_out for answer in both.values() if answer.left_out), "")
        if reason:
            left_out[reason] += 1
            continue
        for side, answer in both.items():
            if answer.failed:
                failed[side][answer.failed] += 1
        right = plan.right_answers[row.observation_id]
        pairs.append(Pair(right, both[BASE].answer, both[TUNED].answer))
    return TuningEvaluation(
        plan=plan,
        compared=len(pairs),
        left_out=left_out,
        failed=failed,
        fields=compared(plan.task.fields, pairs),
        calls=budget.calls,
        usd_micros=budget.spent_usd_micros,
    )


async def _ask_both(
    settings: Settings, plan: EvaluationPlan, budget: EvaluationBudget, progress: Progress
) -> Mapping[str, Mapping[str, ModelAnswer]]:
    """Return the answers of each model, by observation."""
    job = plan.job
    answers: dict[str, dict[str, ModelAnswer]] = {BASE: {}, TUNED: {}}
    at_once = asyncio.Semaphore(2 * settings.classify_limit.in_flight)
    with progress("asked", 2 * len(plan.rows)) as update:
        async with open_compared(settings, job.base_model, job.endpoint) as compared:
            models = {
                side: AskedModel(
                    model,
                    worker_caller(settings),
                    plan.task,
                    budget.of_model(side),
                    f"tune-{job.number}",
                )
                for side, model in zip((BASE, TUNED), compared, strict=True)
            }

            async def ask(side: str, row: HeldOut) -> None:
                async with at_once:
                    answers[side][row.observation_id] = await models[side].ask(row)
                update(sum(map(len, answers.values())), 2 * len(plan.rows))

            await _all([ask(side, row) for row in plan.rows for side in models])
    return answers


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all concurrently; an error in one cancels the others, and is raised unchanged."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
