"""Submits a job once: what would give the same model is looked for first, and never paid twice."""

from __future__ import annotations

from collections.abc import Sequence

from sightline.errors import TransientError
from sightline.gcp.tuning.client import TuningClient
from sightline.gcp.tuning.job import IDENTITY_LABEL, TuningAsked, TuningJob


def same_job(jobs: Sequence[TuningJob], asked: TuningAsked) -> TuningJob | None:
    """Return the newest job that does what is asked, or has done it; failed ones do not count."""
    wanted = asked.labels[IDENTITY_LABEL]
    same = [
        one
        for one in jobs
        if one.labels.get(IDENTITY_LABEL) == wanted and (one.succeeded or one.waits)
    ]
    return same[0] if same else None


async def found_or_submitted(client: TuningClient, asked: TuningAsked) -> tuple[TuningJob, bool]:
    """Return the job that does what is asked, and whether it is new.

    When no answer to the submission comes, the job is looked for before anybody is told to try
    again: it may have been made.

    Raises:
        ConfigurationError, ThrottledError: it cannot be submitted.
        TransientError: it was not, for now.
    """
    found = same_job(await client.jobs(), asked)
    if found is not None:
        return found, False
    try:
        return await client.create(asked), True
    except TransientError:
        found = same_job(await client.jobs(), asked)
        if found is None:
            raise
        return found, True
