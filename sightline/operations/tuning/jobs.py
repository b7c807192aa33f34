"""Reads, waits for and cancels submitted tuning jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sightline.errors import ConfigurationError
from sightline.gcp.tuning import JobWatch, TuningJob, no_model_error, wait_until_ended
from sightline.settings import Settings
from sightline.wiring.tuning import open_tuning


@dataclass(frozen=True, slots=True)
class TuningJobs:
    """The tuning jobs of a region, newest first, including those of other programs."""

    jobs: Sequence[TuningJob]


async def tuning_jobs(settings: Settings, location: str | None = None) -> TuningJobs:
    """Return the jobs of a region, by default ``vertex.location``.

    Raises:
        ConfigurationError, TransientError, ThrottledError: Google cannot be reached, or refuses.
    """
    async with open_tuning(settings, location) as client:
        return TuningJobs(list(await client.jobs()))


async def tuning_job(settings: Settings, name: str, location: str | None = None) -> TuningJob:
    """Return a job's current state, by its number or its full name, which has its location.

    Raises:
        NotFoundError, ConfigurationError: it does not exist, or access is denied.
        TransientError, ThrottledError: it cannot be read now.
    """
    async with open_tuning(settings, _location_of(name) or location) as client:
        return await client.get(name)


async def wait_for_job(
    settings: Settings,
    job: TuningJob,
    *,
    look_every_s: float = 20.0,
    on_waiting: Callable[[TuningJob], None] = lambda _job: None,
) -> TuningJob:
    """Return a job when it has ended, in whatever state.

    While waiting, ``on_waiting`` is called first and on each change of the job's state.

    Raises:
        NotFoundError, ConfigurationError: it does not exist, or access is denied.
        TransientError, ThrottledError: it could not be read many times in a row.
    """
    state = ""

    def on_poll(now: TuningJob) -> None:
        nonlocal state
        if now.state != state and now.is_active:
            on_waiting(now)
        state = now.state

    async with open_tuning(settings, _location_of(job.name)) as client:
        return await wait_until_ended(client, job, on_poll, JobWatch(look_every_s=look_every_s))


async def cancel_tuning(settings: Settings, name: str, location: str | None = None) -> TuningJob:
    """Request the cancellation of a job unless it has ended; return its state afterwards.

    Raises:
        NotFoundError, ConfigurationError: it does not exist, or may not be cancelled.
        TransientError, ThrottledError: Google cannot be reached now.
    """
    async with open_tuning(settings, _location_of(name) or location) as client:
        job = await client.get(name)
        if not job.is_active:
            return job
        await client.cancel(name)
        return await client.get(name)


def check_ended_well(job: TuningJob) -> None:
    """Check that a job has a model, or may still get one.

    Raises:
        ConfigurationError: the job has ended without a model; the error gives the reason.
    """
    if job.is_active or job.succeeded:
        return
    if job.lacks_model:
        raise no_model_error(job)
    raise ConfigurationError(
        f"tuning job {job.number} is {job.state}:"
        f" {job.error.rstrip('. ') or 'no reason was reported'}; fix the cause and submit again: a"
        " failed job does not block another"
    )


def _location_of(name: str) -> str | None:
    """Return the location in a job's full name."""
    parts = name.split("/")
    return parts[3] if len(parts) == 6 and parts[2] == "locations" else None
