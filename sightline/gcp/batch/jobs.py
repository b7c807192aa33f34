"""Batch prediction jobs of Vertex AI, found again by their display names.

Google assigns job ids itself and offers no idempotency key. A job is therefore looked up by its
name before it is started, and if two jobs have one name, both count.
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
"""How long reading a job is retried: without a log line, in a thread that cannot be cancelled.
Starting a job is never retried here."""

_ENDED = frozenset(
    {"JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED", "JOB_STATE_FAILED",
     "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED"}
)  # fmt: skip
_REFUSED = frozenset({400, 401, 403, 404})

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchJob:
    """The state of a job: ``code`` and ``message`` are its error's, ``done`` counts lines.

    The job writes its output below ``output``, a URI.
    """

    resource: str
    state: str
    code: int = 0
    message: str = ""
    done: int = 0
    output: str = ""

    @property
    def ended(self) -> bool:
        """Whether the job has ended, successfully or not."""
        return self.state in _ENDED

    @property
    def failed(self) -> bool:
        """Whether the job failed as a whole; a cancelled or expired job did not."""
        return self.state == "JOB_STATE_FAILED"

    def failure(self) -> SightlineError:
        """Return the error to raise for a failed job."""
        why = f"the batch job {self.resource} failed ({one_line(self.message) or 'no details'})"
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
    """Starts and reads jobs of Vertex AI, or of a test.

    Every method raises ConfigurationError if the request is refused, and TransientError if a retry
    may succeed.
    """

    async def find(self, name: str) -> Sequence[BatchJob]:
        """Return the jobs with this display name."""
        ...

    async def start(
        self, name: str, *, model: str, requests: str, output: str, run_id: str
    ) -> BatchJob:
        """Start a job over the file at the URI ``requests``; it writes below the URI ``output``."""
        ...

    async def get(self, resource: str) -> BatchJob:
        """Return the current state of a job."""
        ...


class VertexBatchJobs:
    """Jobs of a location, through Google's library; created by ``open``."""

    def __init__(self, client: Any, place: VertexLocation) -> None:
        self._client = client
        self._place = place
        self._parent = f"projects/{place.project}/locations/{place.location}"

    @classmethod
    @asynccontextmanager
    async def open(cls, place: VertexLocation, credentials: Any) -> AsyncIterator[Self]:
        """Open a client, without sending a request.

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
        list_jobs = self._client.list_batch_prediction_jobs
        return await self._do(
            lambda: [
                _batch_job(job)
                for job in list_jobs(request=request, **_read_options())
                if job.display_name == name
            ]
        )

    async def start(
        self, name: str, *, model: str, requests: str, output: str, run_id: str
    ) -> BatchJob:
        """See ``BatchJobs``; not retried, since a job may start although its response is lost."""
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
            lambda: _batch_job(
                self._client.create_batch_prediction_job(
                    parent=self._parent, batch_prediction_job=job, timeout=TIMEOUT_S, retry=None
                )
            )
        )

    async def get(self, resource: str) -> BatchJob:
        """See ``BatchJobs``."""
        get_job = self._client.get_batch_prediction_job
        return await self._do(lambda: _batch_job(get_job(name=resource, **_read_options())))

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


def _read_options() -> dict[str, Any]:
    """Return the timeout and the retries of a request that reads jobs."""
    from google.api_core.exceptions import (
        InternalServerError,
        ServerError,
        TooManyRequests,
    )
    from google.api_core.retry import Retry, if_exception_type
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import Timeout

    transient = if_exception_type(
        TooManyRequests, InternalServerError, ServerError, NoConnection, Timeout
    )
    return {"timeout": TIMEOUT_S, "retry": Retry(predicate=transient, timeout=RETRY_S)}


def _batch_job(job: Any) -> BatchJob:
    stats = job.completion_stats
    return BatchJob(
        str(job.name),
        job.state.name,
        int(job.error.code),
        str(job.error.message),
        int(stats.successful_count + stats.failed_count),
        str(job.output_config.gcs_destination.output_uri_prefix),
    )
