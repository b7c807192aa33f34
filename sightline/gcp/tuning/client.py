"""Calls the tuning API through Google's client: in threads, without retries."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

from sightline.errors import ConfigurationError
from sightline.gcp.failures import TUNING
from sightline.gcp.translation import needed_for
from sightline.gcp.tuning.job import TuningJob, TuningRequest, job_of
from sightline.gcp.vertex_location import VertexLocation
from sightline.settings.serving import MULTI_REGIONS

TIMEOUT_S = 60.0
Result = TypeVar("Result")
_NUMBER = re.compile(r"[A-Za-z0-9_-]+")
_NAME = re.compile(rf"projects/[^/]+/locations/[^/]+/tuningJobs/{_NUMBER.pattern}")
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
"""The form of a region, which becomes a part of a host name."""


class TuningClient:
    """Tuning jobs of one project in one location; created by ``open``."""

    def __init__(self, library: Any, place: VertexLocation) -> None:
        self._library = library
        self.place = place

    @classmethod
    @asynccontextmanager
    async def open(cls, place: VertexLocation, credentials: Any) -> AsyncIterator[Self]:
        """Open the client, without sending a request. Importing the library takes seconds.

        Raises:
            ConfigurationError: the location is not a region, or the library is not installed.
        """
        check_region(place.location)
        library = await asyncio.to_thread(_library, place, credentials)
        try:
            yield cls(library, place)
        finally:
            await asyncio.to_thread(library.transport.close)

    @property
    def parent(self) -> str:
        """The project and the location, which begin the full name of a job."""
        return f"projects/{self.place.project}/locations/{self.place.location}"

    def name(self, job: str) -> str:
        """Return the full name of a job, given its number or its full name.

        Raises:
            ConfigurationError: ``job`` is neither.
        """
        if _NUMBER.fullmatch(job):
            return f"{self.parent}/tuningJobs/{job}"
        if _NAME.fullmatch(job):
            return job
        raise ConfigurationError(
            f"{job!r} is not a tuning job; give its number, or its full name, as `sightline tune"
            " list` shows them"
        )

    async def create(self, request: TuningRequest) -> TuningJob:
        """Submit a job, which costs money; for errors see ``sightline.gcp.failures``."""
        message = {"parent": self.parent, "tuning_job": request.message()}
        tuning_job = await self._call(
            f"tuning in {self.place.location}",
            lambda: self._library.create_tuning_job(message, **_ONCE),
        )
        return job_of(tuning_job)

    async def get(self, job: str) -> TuningJob:
        """Return the current state of a job; for errors see ``sightline.gcp.failures``."""
        name = self.name(job)
        tuning_job = await self._call(
            f"tuning job {job}",
            lambda: self._library.get_tuning_job({"name": name}, **_ONCE),
        )
        return job_of(tuning_job)

    async def jobs(self) -> Sequence[TuningJob]:
        """Return all jobs of the location, newest first. Raises as ``get`` does."""
        jobs = await self._call(
            f"tuning in {self.place.location}",
            lambda: list(self._library.list_tuning_jobs({"parent": self.parent}, **_ONCE)),
        )
        return [job_of(job) for job in jobs]

    async def cancel(self, job: str) -> None:
        """Request that a job be cancelled; it may still succeed or fail. Raises as ``get`` does."""
        name = self.name(job)
        await self._call(
            f"tuning job {job}",
            lambda: self._library.cancel_tuning_job({"name": name}, **_ONCE),
        )

    async def _call(self, subject: str, call: Callable[[], Result]) -> Result:
        def translated_call() -> Result:
            with TUNING.translated(subject):
                return call()

        return await asyncio.to_thread(translated_call)


_ONCE: dict[str, Any] = {"retry": None, "timeout": TIMEOUT_S}


def check_region(location: str) -> None:
    """Check that a location may be able to run tuning jobs, without sending a request.

    Raises:
        ConfigurationError: it is not a region.
    """
    if location in MULTI_REGIONS or not _REGION.fullmatch(location):
        raise ConfigurationError(
            f"tuning jobs run in a region, where their model stays, and not in {location!r}; give"
            " --location, such as us-central1 or europe-west4"
        )


def _library(place: VertexLocation, credentials: Any) -> Any:
    with needed_for("tuning"):
        from google.cloud.aiplatform_v1.services.gen_ai_tuning_service import (
            GenAiTuningServiceClient,
        )
        from google.cloud.aiplatform_v1.services.gen_ai_tuning_service.transports.rest import (
            GenAiTuningServiceRestTransport,
        )

        from sightline.gcp.bounded_requests import bound_responses
    transport = GenAiTuningServiceRestTransport(host=place.endpoint, credentials=credentials)
    bound_responses(transport._session)  # noqa: SLF001 - the library gives no other way
    return GenAiTuningServiceClient(transport=transport)
