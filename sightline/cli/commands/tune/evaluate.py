"""``sightline tune evaluate``: compare a tuned model and its base on the held-out images."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.commands.tune.options import JobName, Location
from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.tune_evaluation import evaluation_json, print_evaluation, remark_plan
from sightline.operations.tuning.evaluation import evaluate_tuning
from sightline.operations.tuning.evaluation_plan import plan_evaluation


def evaluate(
    context: typer.Context,
    job: JobName,
    location: Location = None,
    sample: Annotated[
        int | None, typer.Option(help="The most held-out assets, chosen by hash.", min=1)
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="A ground_truth.jsonl, instead of the held-out answers."),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(help="The most that the calls may cost, in US dollars.", min=0, max=1e6),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask base and tuned model about the held-out images, and compare their answers field by field.

    Each asset is used once, so that subjects are independent. Example: sightline tune evaluate
    4000000000000000000 --location us-central1 --sample 200
    """
    state: State = context.obj
    settings = state.settings()
    plan = asyncio.run(
        plan_evaluation(
            settings, job, location=location, sample=sample, truth=truth, max_cost_usd=max_cost
        )
    )
    remark_plan(plan)
    result = asyncio.run(evaluate_tuning(settings, plan, progress=progress_bar))
    print_json(evaluation_json(result)) if as_json else print_evaluation(result)
