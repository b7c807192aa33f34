"""Jobs of batch prediction on Vertex AI, found again by their display names.

Google numbers jobs itself and knows no key under which one is begun only once: a job is looked for
by its name before one is begun, and where there are two of a name, both count.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from sightline.errors import ConfigurationError, SightlineError, TransientError
from sightline.gcp.batch.statuses import http_code
from sightline.gcp.failures import BATCH
from sightline.gcp.translation import needed_for
from sightline.gcp.vertex_location import VertexLocation, billing_label
from sightline.http_client.redaction import one_line

TIMEOUT_S = 60.0
RETRY_S = 30.0
"""How long a look at a job is retried, unseen and in a thread that nothing ends; jobs themselves
are begun once."""

_ENDED = frozenset(
    {"JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED", "JOB_STATE_FAILED",
     "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED"}
)  # fmt: skip
_REFUSED = frozenset({400, 401, 403, 404})

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A job as it was last seen: ``code`` and ``said`` are its error's, ``done`` counts lines.

    It writes below ``output`` (a URI).
    """

    resource: str
    state: str
    code: int = 0
    said: str = ""
    done: int = 0
    output: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in _ENDED

    @property
    def failed(self) -> bool:
        """Whether it failed as a whole; one that was cancelled or expired did not."""
        return self.state == "JOB_STATE_FAILED"

    def failure(self) -> SightlineError:
        """Return what a failed job is to who asked for it."""
        why = f"the batch job {self.resource} failed ({one_line(self.said) or 'no details'})"
        code = http_code(self.code)
        if code not in _REFUSED:
            return TransientError(f"{why}; run `sightline work` again")
        step = {
            403: "let Vertex AI's service agent read the images and write to batch.bucket",
            404: "set another model, or correct batch.bucket",
        }.get(
            code, "see `sightline doctor`, and correct the model, vertex.location or batch.bucket"
        )
        return ConfigurationError(f"{why}; {step}")


class BatchJobs(Protocol):
    """Begins and watches jobs; Vertex AI's, or a test's.

    Every method raises ConfigurationError where it is refused, TransientError where it may help to
    try again.
    """

    async def find(self, name: str) -> Sequence[BatchJob]:
        """Return the jobs of this display name."""
        ...

    async def begin(
        self, name: str, *, model: str, requests: str, output: str, run_id: str
    ) -> BatchJob:
        """Begin a job over a file of requests (its URI); it writes below ``output`` (a URI)."""
        ...

    async def look(self, resource: str) -> BatchJob:
        """Return a job as it is now."""
        ...


class VertexBatchJobs:
    """Jobs of a location, through Google's library; made by ``open``."""

    def __init__(self, client: Any, place: VertexLocation) -> None:
        self._client = client
        self._place = place
        self._parent = f"projects/{place.project}/locations/{place.location}"

    @classmethod
    @asynccontextmanager
    async def open(cls, place: VertexLocation, credentials: Any) -> AsyncIterator[Self]:
        """Open a client; nothing is asked yet.

        Raises:
            ConfigurationError: the library is not installed, or there are no credentials.
        """
        with BATCH.translated("Vertex AI"):
            client = await asyncio.to_thread(_library_client, place, credentials)
        try:
            yield cls(client, place)
        finally:
            client.transport.close()

    async def find(self, name: str) -> Sequence[BatchJob]:
        """See ``BatchJobs``."""
        request = {"parent": self._parent, "filter": f'display_name="{name}"'}
        return await self._do(
            lambda: [
                _seen(job)
                for job in self._client.list_batch_prediction_jobs(request=request, **_patiently())
                if job.display_name == name
            ]
        )

    async def begin(
        self, name: str, *, model: str, requests: str, output: str, run_id: str
    ) -> BatchJob:
        """See ``BatchJobs``; tried once, since a job may be begun whose answer is lost."""
        job = {
            "display_name": name,
            "model": f"publishers/google/models/{model}",
            "labels": {"sightline_run": billing_label(run_id)},
            "input_config": {"instances_format": "jsonl", "gcs_source": {"uris": [requests]}},
            "output_config": {
                "predictions_format": "jsonl",
                "gcs_destination": {"output_uri_prefix": output},
            },
        }
        return await self._do(
            lambda: _seen(
                self._client.create_batch_prediction_job(
                    parent=self._parent, batch_prediction_job=job, timeout=TIMEOUT_S, retry=None
                )
            )
        )

    async def look(self, resource: str) -> BatchJob:
        """See ``BatchJobs``."""
        return await self._do(
            lambda: _seen(self._client.get_batch_prediction_job(name=resource, **_patiently()))
        )

    async def _do(self, work: Callable[[], Result]) -> Result:
        with BATCH.translated(f"batch prediction in {self._place.location}"):
            return await asyncio.to_thread(work)


def _library_client(place: VertexLocation, credentials: Any) -> Any:
    with needed_for("batch jobs", verb="need"):
        from google.cloud.aiplatform_v1.services.job_service import JobServiceClient  # 3 s

        from sightline.gcp.bounded_requests import bound_responses
    client = JobServiceClient(
        credentials=credentials,
        transport="rest",
        client_options={"api_endpoint": place.endpoint},
    )
    transport: Any = client.transport
    bound_responses(transport._session)  # noqa: SLF001 - the library gives no other way
    return client


def _patiently() -> dict[str, Any]:
    """Return how a job is looked at: one lost answer is none."""
    from google.api_core.exceptions import (
        InternalServerError,
        ServerError,
        TooManyRequests,
    )
    from google.api_core.retry import Retry, if_exception_type
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import Timeout

    passing = if_exception_type(
        TooManyRequests, InternalServerError, ServerError, NoConnection, Timeout
    )
    return {"timeout": TIMEOUT_S, "retry": Retry(predicate=passing, timeout=RETRY_S)}


def _seen(job: Any) -> BatchJob:
    counted = job.completion_stats
    return BatchJob(
        str(job.name),
        job.state.name,
        int(job.error.code),
        str(job.error.message),
        int(counted.successful_count + counted.failed_count),
        str(job.output_config.gcs_destination.output_uri_prefix),
    )
