"""``sightline tune submit``: show a plan, ask, and submit a tuning job."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.commands.tune.options import Location, LookEvery
from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views import tune as views
from sightline.operations.tuning.jobs import check_ended_well, wait_for_job
from sightline.operations.tuning.parameters import TuningParameters, check_adapter_size
from sightline.operations.tuning.plan import TuningPlan, plan_tuning
from sightline.operations.tuning.submit import Submission, submit_tuning
from sightline.settings import Settings

Task = Annotated[
    str | None, typer.Argument(help="Whose answers; required if several tasks have answers.")
]
Model = Annotated[str | None, typer.Option(help="The model to tune; default: models.classify.")]
Bucket = Annotated[
    str | None,
    typer.Option(help="gs://bucket/prefix for the examples; default: gcs.bucket."),
]
Validation = Annotated[float, typer.Option(help="The share of assets held out.", min=0.01, max=0.9)]
Epochs = Annotated[
    int | None,
    typer.Option(help="Passes over the examples; by default Google chooses.", min=1, max=100),
]
AdapterSize = Annotated[
    int | None, typer.Option(help="1, 2, 4, 8 or 16; by default Google chooses.")
]
LearningRateMultiplier = Annotated[
    float | None, typer.Option(help="Multiplies Google's own rate.", min=0.001, max=10)
]
Yes = Annotated[bool, typer.Option("--yes", help="Submit without asking.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Return when the job has ended.")]


@filtered
def submit(
    context: typer.Context,
    task: Task = None,
    model: Model = None,
    location: Location = None,
    bucket: Bucket = None,
    validation: Validation = 0.1,
    epochs: Epochs = None,
    adapter_size: AdapterSize = None,
    learning_rate_multiplier: LearningRateMultiplier = None,
    chosen: FilterOptions = NO_FILTER,
    yes: Yes = False,
    wait: Wait = True,
    look_every: LookEvery = 20.0,
    as_json: AsJson = False,
) -> None:
    """Create examples from the current answers, upload them to a bucket, and submit a tuning job.

    The plan and its estimated cost are printed first. The same command again finds the existing
    job. Example: sightline tune submit road_signs --location us-central1
    """
    check_adapter_size(adapter_size)
    which = chosen.filter()
    state: State = context.obj
    state.must_exist()
    settings = state.settings()
    parameters = TuningParameters(
        model or settings.models.classify, epochs, adapter_size, learning_rate_multiplier
    )
    with tempfile.TemporaryDirectory(prefix="sightline-tune-") as folder:
        plan = asyncio.run(
            plan_tuning(
                settings, task, folder=Path(folder), parameters=parameters, which=which,
                validation=validation, bucket=bucket, location=location, progress=progress_bar,
            )
        )  # fmt: skip
        submission = _submitted(settings, plan, yes=yes, as_json=as_json)
    if submission is None:
        return
    job = submission.job
    if wait:
        job = asyncio.run(
            wait_for_job(settings, job, look_every_s=look_every, on_waiting=views.remark_waiting)
        )
    if not as_json:
        views.print_job(job)
    check_ended_well(job)
    if as_json:
        print_json(views.submission_json(plan, job, is_new=submission.is_new))


def _submitted(
    settings: Settings, plan: TuningPlan, *, yes: bool, as_json: bool
) -> Submission | None:
    """Show the plan and submit it; return nothing if the user declines."""
    if not as_json:
        views.print_plan(plan)
    if plan.existing is None and not yes and (as_json or not _agreed()):
        if as_json:
            print_json(views.submission_json(plan, None, is_new=False))
        else:
            views.remark_not_submitted()
        return None
    submission = asyncio.run(submit_tuning(settings, plan, progress=progress_bar))
    if not as_json:
        views.print_submission(submission)
    return submission


def _agreed() -> bool:
    """Ask on a terminal; elsewhere the answer is no."""
    return sys.stdin.isatty() and typer.confirm("submit it?", default=False, err=True)
