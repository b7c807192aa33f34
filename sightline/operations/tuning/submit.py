"""Submits a planned tuning job: uploads its files, then submits it once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sightline.gcp.tuning import TuningJob, find_or_submit
from sightline.operations.tuning.job_files import upload_job_files
from sightline.operations.tuning.plan import TuningPlan
from sightline.progress import Progress, no_progress
from sightline.settings import Settings
from sightline.wiring.tuning import open_tuning


@dataclass(frozen=True, slots=True)
class Submission:
    """The job that carries out the plan, and whether it is new."""

    job: TuningJob
    is_new: bool


async def submit_tuning(
    settings: Settings, plan: TuningPlan, *, progress: Progress = no_progress
) -> Submission:
    """Submit a job, which is paid for, unless one that does the same exists.

    Raises:
        NotFoundError, ConfigurationError, TransientError, ThrottledError: the examples cannot be
            uploaded, or the job cannot be submitted.
    """
    if plan.existing is not None:
        return Submission(plan.existing, is_new=False)
    async with open_tuning(settings, plan.location) as client:
        await asyncio.to_thread(upload_job_files, settings, plan.folder, plan.target, progress)
        return Submission(*await find_or_submit(client, plan.request))
