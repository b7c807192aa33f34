"""Watches a job until it ends: looks at it now and then, and is patient where that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sightline.errors import ThrottledError, TransientError
from sightline.gcp.tuning.client import TuningClient
from sightline.gcp.tuning.job import TuningJob


@dataclass(frozen=True, slots=True)
class JobWatch:
    """How a job is watched: looks, the pauses between, and how many may fail in a row."""

    look_every_s: float = 20.0
    most_failures: int = 30
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def watched(
    client: TuningClient, job: TuningJob, on_look: Callable[[TuningJob], None], how: JobWatch
) -> TuningJob:
    """Return a job when it has ended, however it did; each look is shown.

    The job does not need to be watched: it goes on when this is broken off.

    Raises:
        TransientError, ThrottledError: it could not be looked at for many times in a row.
        NotFoundError, ConfigurationError: it is not there, or may not be looked at.
    """
    failures = 0
    on_look(job)
    while job.waits:
        await how.sleep(how.look_every_s)
        try:
            job = await client.get(job.name)
            failures = 0
        except (TransientError, ThrottledError):
            failures += 1
            if failures >= how.most_failures:
                raise
            continue
        on_look(job)
    return job
