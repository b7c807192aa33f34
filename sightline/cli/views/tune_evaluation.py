"""What ``sightline tune evaluate`` shows."""

from __future__ import annotations

from dataclasses import asdict

from sightline.cli.output import print_table, remark, say
from sightline.cli.views.money import usd
from sightline.operations.tuning.evaluation import TuningEvaluation
from sightline.operations.tuning.evaluation_plan import EvaluationPlan
from sightline.operations.tuning.model_answers import OVER_BUDGET


def remark_plan(plan: EvaluationPlan) -> None:
    """Print what will be evaluated, and its estimated cost."""
    remark(
        f"asking both models about {len(plan.rows):,} held-out assets, for about"
        f" {usd(plan.estimate_usd_micros)}"
    )


def evaluation_json(evaluation: TuningEvaluation) -> dict[str, object]:
    """Return the document of ``--json``."""
    plan, job = evaluation.plan, evaluation.plan.job
    return {
        "job": job.name,
        "endpoint": job.endpoint,
        "base_model": job.base_model,
        "task": plan.task.name,
        "truth": str(plan.truth) if plan.truth else "held-out answers",
        "held_out_images": plan.held_out_images,
        "assets_without_truth": plan.assets_without_truth,
        "asked": len(plan.rows),
        "compared": evaluation.compared,
        "left_out": dict(sorted(evaluation.left_out.items())),
        "failed": {
            model: dict(sorted(reasons.items())) for model, reasons in evaluation.failed.items()
        },
        "fields": [{**asdict(field), "verdict": field.verdict} for field in evaluation.fields],
        "calls": evaluation.calls,
        "cost_usd": evaluation.usd_micros / 1e6,
        "not_compared": plan.not_compared,
    }


def print_evaluation(evaluation: TuningEvaluation) -> None:
    """Print how the two models compare, field by field."""
    plan = evaluation.plan
    say(
        f"{plan.task.name}: {evaluation.compared:,} of {len(plan.rows):,} held-out assets, one"
        f" image each, {plan.job.base_model} and {plan.job.endpoint}"
    )
    if not evaluation.compared:
        over_budget = OVER_BUDGET in evaluation.left_out
        why = "raise --max-cost" if over_budget else "see what was left out"
        remark(f"nothing was compared: {why}")
    _print_fields(evaluation)
    _print_failures(evaluation)
    if plan.not_compared:
        say(f"not compared, since no single answer is right: {', '.join(plan.not_compared)}")
    say(f"{evaluation.calls:,} calls for {usd(evaluation.usd_micros)}")
    if plan.truth is None:
        remark("right is what the held-out answers contain, which a model or a person gave")
    if plan.assets_without_truth:
        remark(
            f"{plan.assets_without_truth:,} held-out assets are not in {plan.truth}, and were not"
            " asked about"
        )


def _print_fields(evaluation: TuningEvaluation) -> None:
    print_table(
        "",
        ("field", "n", "base", "tuned", "majority", "difference", "95 % from", "to", "p (Holm)",
         "verdict"),
        [
            (field.field, field.subjects, field.base, field.tuned, field.majority,
             field.difference, field.low, field.high, field.p_holm, field.verdict)
            for field in evaluation.fields
        ],
    )  # fmt: skip


def _print_failures(evaluation: TuningEvaluation) -> None:
    if evaluation.left_out:
        print_table("left out", ("reason", "assets"), sorted(evaluation.left_out.items()))
    for model, reasons in evaluation.failed.items():
        for reason, answers in sorted(reasons.items()):
            say(f"wrong, since {model} ended by {reason}: {answers:,}")
