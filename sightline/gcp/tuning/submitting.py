"""Submits a job once: what would give the same model is looked for first, and never paid twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.tuning.client import TuningClient
from sightline.gcp.tuning.job import CANCELLING, IDENTITY_LABEL, TuningJob, TuningRequest


def same_job(jobs: Sequence[TuningJob], request: TuningRequest) -> TuningJob | None:
    """Return the job that has done what is requested, or the oldest that does it.

    Failed and cancelled ones do not count.

    Raises:
        ConfigurationError: there is only one that is done and names no model: it has been paid for.
    """
    identity = request.labels[IDENTITY_LABEL]
    alike = [job for job in jobs if job.labels.get(IDENTITY_LABEL) == identity]
    same = [job for job in alike if (job.succeeded or job.waits) and job.state != CANCELLING]
    if same:
        return min(same, key=_age)
    for job in alike:
        if job.lacks_model:
            raise without_model(job)
    return None


def without_model(job: TuningJob) -> ConfigurationError:
    """Return what is said of a job that is done and names no model."""
    return ConfigurationError(
        f"tuning job {job.number} is {job.state} and names no model, and the same job again would"
        " be paid for again; look at it in the console, under Vertex AI, Tuning, or give"
        " `sightline tune submit` other parameters, such as --epochs"
    )


def _age(job: TuningJob) -> tuple[bool, datetime, str]:
    """Return what puts the oldest job first, and one that is done before all."""
    return not job.succeeded, job.created_at or datetime.max.replace(tzinfo=UTC), job.name


async def found_or_submitted(
    client: TuningClient, request: TuningRequest
) -> tuple[TuningJob, bool]:
    """Return the job that does what is requested, and whether it is new.

    When no answer to the submission comes, the job is looked for before anybody is told to try
    again: it may have been made. When somebody else has submitted the same at the same moment, both
    see it, and the younger job is cancelled before it has begun.

    Raises:
        ConfigurationError, ThrottledError: it cannot be submitted, or is done without a model.
        TransientError: it was not, for now.
    """
    job = same_job(await client.jobs(), request)
    if job is not None:
        return job, False
    try:
        new_job = await client.create(request)
    except TransientError:
        job = same_job(await client.jobs(), request)
        if job is None:
            raise
        return job, True
    job = same_job(await client.jobs(), request)
    if job is None or job.name == new_job.name:
        return new_job, True
    await client.cancel(new_job.name)
    return job, False
