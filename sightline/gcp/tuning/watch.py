"""Waits until a job ends: polls it, and tolerates some failed polls in a row."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sightline.errors import ThrottledError, TransientError
from sightline.gcp.tuning.client import TuningClient
from sightline.gcp.tuning.job import TuningJob


@dataclass(frozen=True, slots=True)
class JobWatch:
    """How a job is polled: the interval, and how many polls may fail in a row."""

    look_every_s: float = 20.0
    max_failures: int = 30
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def wait_until_ended(
    client: TuningClient, job: TuningJob, on_poll: Callable[[TuningJob], None], watch: JobWatch
) -> TuningJob:
    """Return a job once it has ended, in any state; ``on_poll`` receives each state that is read.

    If the caller is cancelled, the job continues.

    Raises:
        TransientError, ThrottledError: ``watch.max_failures`` polls in a row failed.
        NotFoundError, ConfigurationError: the job does not exist, or cannot be read.
    """
    failures = 0
    on_poll(job)
    while job.is_active:
        await watch.sleep(watch.look_every_s)
        try:
            job = await client.get(job.name)
            failures = 0
        except (TransientError, ThrottledError):
            failures += 1
            if failures >= watch.max_failures:
                raise
            continue
        on_poll(job)
    return job
