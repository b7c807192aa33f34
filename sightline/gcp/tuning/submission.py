"""Submits a job once: looks for an equal job first, so that no job is paid for twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.tuning.client import TuningClient
from sightline.gcp.tuning.job import CANCELLING, IDENTITY_LABEL, TuningJob, TuningRequest


def same_job(jobs: Sequence[TuningJob], request: TuningRequest) -> TuningJob | None:
    """Return the oldest job with the request's identity, preferring one that has succeeded.

    Failed and cancelled jobs do not count.

    Raises:
        ConfigurationError: the only such job has succeeded without naming a model; it is paid for.
    """
    identity = request.labels[IDENTITY_LABEL]
    same_identity = [job for job in jobs if job.labels.get(IDENTITY_LABEL) == identity]
    usable = [
        job for job in same_identity if (job.succeeded or job.is_active) and job.state != CANCELLING
    ]
    if usable:
        return min(usable, key=_age)
    for job in same_identity:
        if job.lacks_model:
            raise no_model_error(job)
    return None


def no_model_error(job: TuningJob) -> ConfigurationError:
    """Return the error to raise for a job that has succeeded but names no model."""
    return ConfigurationError(
        f"tuning job {job.number} is {job.state} and names no model, and the same job would cost"
        " money again; check the job in the console, under Vertex AI, Tuning, or run"
        " `sightline tune submit` with other parameters, such as --epochs"
    )


def _age(job: TuningJob) -> tuple[bool, datetime, str]:
    """Return a sort key: jobs that have succeeded first, then the oldest first."""
    return not job.succeeded, job.created_at or datetime.max.replace(tzinfo=UTC), job.name


async def find_or_submit(client: TuningClient, request: TuningRequest) -> tuple[TuningJob, bool]:
    """Return the job for a request, and whether it is new.

    If the response to the submission is lost, the job may exist, so it is looked up before an error
    is raised. If two callers submit the same request at the same time, both see both jobs, and the
    younger job is cancelled before it starts.

    Raises:
        ConfigurationError, ThrottledError: the job cannot be submitted, or succeeded without a
            model.
        TransientError: the submission failed transiently.
    """
    job = same_job(await client.jobs(), request)
    if job is not None:
        return job, False
    try:
        created = await client.create(request)
    except TransientError:
        job = same_job(await client.jobs(), request)
        if job is None:
            raise
        return job, True
    job = same_job(await client.jobs(), request)
    if job is None or job.name == created.name:
        return created, True
    await client.cancel(created.name)
    return job, False
