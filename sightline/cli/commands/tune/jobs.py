"""``sightline tune status``, ``list`` and ``cancel``: submitted tuning jobs."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from sightline.cli.commands.tune.options import JobName, Location, LookEvery
from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.tune import (
    job_json,
    jobs_json,
    print_job,
    print_jobs,
    remark_too_late,
    remark_waiting,
)
from sightline.operations.tuning.jobs import (
    cancel_tuning,
    check_ended_well,
    tuning_job,
    tuning_jobs,
    wait_for_job,
)


def status(
    context: typer.Context,
    job: JobName,
    location: Location = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the job has ended.")] = False,
    look_every: LookEvery = 20.0,
    as_json: AsJson = False,
) -> None:
    """Show a tuning job: its state, its counts, its model.

    Example: sightline tune status 4000000000000000000 --location us-central1 --wait
    """
    state: State = context.obj
    settings = state.settings()
    result = asyncio.run(tuning_job(settings, job, location))
    if wait:
        result = asyncio.run(
            wait_for_job(settings, result, look_every_s=look_every, on_waiting=remark_waiting)
        )
    print_json(job_json(result)) if as_json else print_job(result)
    if wait:
        check_ended_well(result)


def list_(
    context: typer.Context,
    location: Location = None,
    as_json: AsJson = False,
) -> None:
    """List the tuning jobs of a region, newest first, including those of other programs."""
    state: State = context.obj
    result = asyncio.run(tuning_jobs(state.settings(), location))
    print_json(jobs_json(result)) if as_json else print_jobs(result)


def cancel(
    context: typer.Context, job: JobName, location: Location = None, as_json: AsJson = False
) -> None:
    """Request the cancellation of a tuning job. Its cost until then is billed."""
    state: State = context.obj
    result = asyncio.run(cancel_tuning(state.settings(), job, location))
    print_json(job_json(result)) if as_json else print_job(result)
    remark_too_late(result)
