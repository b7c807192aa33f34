"""The plan of an evaluation: which held-out images are used, and what the calls cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from producer.run_budget_editor import read_limits
from sightline.analysis.paired import Answer
from sightline.errors import NotFoundError
from sightline.export.tuning_set import HeldOut, sampled
from sightline.gcp.tuning import TuningJob
from sightline.operations.reading.ground_truth import read_truth
from sightline.operations.tuning.job_files import HeldOutSet, read_held_out_set
from sightline.operations.tuning.jobs import tuning_job
from sightline.prices import ANSWER_TOKENS, answer_usage, price_of
from sightline.settings import Settings
from sightline.tasks import COMPARABLE, TaskSpec
from sightline.wiring.ids import utc_now
from sightline.wiring.places import vertex_place
from sightline.wiring.tuning import prices_with

BASE, TUNED = "base", "tuned"


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What both models are asked about: one image per asset.

    ``right_answers`` are the answers that count as right, by observation: those of ``truth`` or, if
    that is ``None``, the held-out answers. ``call_usd_micros`` holds the estimated cost of a call
    to each model.
    """

    job: TuningJob
    task: TaskSpec
    truth: Path | None
    held_out_images: int
    assets_without_truth: int
    rows: Sequence[HeldOut]
    right_answers: Mapping[str, Answer]
    limit_usd_micros: int | None
    call_usd_micros: Mapping[str, int]

    @property
    def estimate_usd_micros(self) -> int:
        """The estimated cost of all calls."""
        return len(self.rows) * sum(self.call_usd_micros.values())

    @property
    def not_compared(self) -> Sequence[str]:
        """The fields for which no single answer is right."""
        return [field.name for field in self.task.fields if field.type not in COMPARABLE]


async def plan_evaluation(
    settings: Settings,
    job: str,
    *,
    location: str | None = None,
    sample: int | None = None,
    truth: Path | None = None,
    max_cost_usd: float | None = None,
) -> EvaluationPlan:
    """Return the plan for a job's models; no model is called, and nothing is paid for.

    ``sample`` is the most assets, ``truth`` a file of right answers.

    Raises:
        NotFoundError: the job, its held-out part, or the truth about that is missing.
        ConfigurationError: the job has no model, a file cannot be read, the base model has no
            price, or ``max_cost_usd`` is not accepted.
        TransientError, ThrottledError: Google cannot be reached now.
    """
    tuned = await tuning_job(settings, job, location)
    held_out = await asyncio.to_thread(read_held_out_set, settings, tuned)
    right = _right_answers(held_out, truth)
    known = [row for row in held_out.rows if row.observation_id in right]
    limit = read_limits(max_cost_usd, None).cost_usd_micros
    return EvaluationPlan(
        job=tuned,
        task=held_out.task,
        truth=truth,
        held_out_images=len(held_out.rows),
        assets_without_truth=len(sampled(held_out.rows, None)) - len(sampled(known, None)),
        rows=sampled(known, sample),
        right_answers=right,
        limit_usd_micros=limit,
        call_usd_micros=_call_estimates(settings, tuned, held_out.task),
    )


def _right_answers(held_out: HeldOutSet, truth: Path | None) -> Mapping[str, Answer]:
    if truth is None:
        return {row.observation_id: row.answer for row in held_out.rows}
    name = held_out.task.name
    lines = read_truth(truth, {name: held_out.task})
    right = {subject: values for subject, task, values in lines if task == name and values}
    if not any(row.observation_id in right for row in held_out.rows):
        raise NotFoundError(
            f"{truth} has the truth of {name} about none of the {len(held_out.rows):,}"
            " held-out observations; give another, or leave --truth out"
        )
    return right


def _call_estimates(settings: Settings, job: TuningJob, task: TaskSpec) -> Mapping[str, int]:
    today = utc_now().date()
    place = vertex_place(settings, "classify")
    prices = prices_with(settings, job.base_model, job.endpoint, today)

    def estimate(model: str) -> int:
        usage = answer_usage(
            task,
            price_of(prices, model, today),
            images=1,
            output_tokens=ANSWER_TOKENS,
            location=place.location_of(model),
        )
        return usage.cost_usd_micros

    return {BASE: estimate(job.base_model), TUNED: estimate(job.endpoint)}
