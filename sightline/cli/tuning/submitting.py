"""One ``sightline tune submit`` from the plan to the end of the job: a question between them."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from sightline.cli.output import remark, say
from sightline.cli.tuning.submission import Parameters, Planned, plan, send
from sightline.cli.tuning.words import as_dict, say_job, say_plan
from sightline.errors import ConfigurationError
from sightline.gcp.tuning import (
    TuningClient,
    TuningJob,
    Watch,
    found_or_submitted,
    same_job,
    watched,
    without_model,
)
from sightline.model import Filter
from sightline.settings import Settings
from sightline.wiring.tuning import open_tuning


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. ``quiet`` says nothing, and asks nobody."""

    task: str | None
    which: Filter
    validation: float
    bucket: str | None
    location: str | None
    parameters: Parameters
    yes: bool
    wait: bool
    look_every_s: float
    quiet: bool


async def submitted(settings: Settings, wanted: Wanted, folder: Path) -> dict[str, Any]:
    """Submit what is wanted, if somebody agrees, by way of an empty folder; return what came of it.

    Raises:
        NotFoundError, ConfigurationError, TransientError, ThrottledError: there is nothing to learn
            from, it cannot be submitted, or the job has failed.
    """
    async with open_tuning(settings, wanted.location) as client:
        planned = await plan(
            settings,
            wanted.task,
            wanted.which,
            wanted.validation,
            wanted.bucket,
            wanted.parameters,
            folder,
        )
        job, new = same_job(await client.jobs(), planned.asked), False
        if not wanted.quiet:
            say_plan(planned, client.place.location)
        if job is None:
            if not (wanted.yes or (not wanted.quiet and _agreed())):
                if not wanted.quiet:
                    remark("nothing is submitted; next: the same command with --yes")
                return _result(planned, None, new=False)
            await asyncio.to_thread(send, settings, planned, folder)
            job, new = await found_or_submitted(client, planned.asked)
        if not wanted.quiet:
            made = "is submitted" if new else "is there already: nothing is paid again"
            say(f"tuning job {job.number} {made}")
        if wanted.wait:
            job = await waited(client, job, wanted.look_every_s)
    if not wanted.quiet:
        say_job(job)
    check_ended(job)
    return _result(planned, job, new=new)


async def waited(client: TuningClient, job: TuningJob, look_every_s: float) -> TuningJob:
    """Wait until a job has ended, and tell each change of its state; raises as ``watched``."""
    told = ""

    def tell(now: TuningJob) -> None:
        nonlocal told
        if now.state != told and now.waits:
            remark(
                f"{now.state.lower()}; it goes on without this command, and"
                f" `sightline tune status {now.name} --wait` waits again"
            )
        told = now.state

    return await watched(client, job, tell, Watch(look_every_s=look_every_s))


def check_ended(job: TuningJob) -> None:
    """Let the command fail where the job has.

    Raises:
        ConfigurationError: the job has ended without a model, and why.
    """
    if job.waits or job.succeeded:
        return
    if job.lacks_model:
        raise without_model(job)
    raise ConfigurationError(
        f"tuning job {job.number} is {job.state}: {job.error.rstrip('. ') or 'no reason is told'};"
        " mend that and submit again: a failed job does not stand in the way of another"
    )


def _agreed() -> bool:
    """Ask on a terminal; elsewhere nobody can answer."""
    if not sys.stdin.isatty():
        return False
    return typer.confirm("submit it?", default=False, err=True)


def _result(planned: Planned, job: TuningJob | None, *, new: bool) -> dict[str, Any]:
    return {"plan": planned.as_dict(), "submitted": new, "job": job and as_dict(job)}
