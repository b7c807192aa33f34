"""Named jobs: started once, found again, and retried under the next number if they failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from google.api_core import exceptions

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.failures import BIGQUERY
from sightline.gcp.sql.jobs import MAX_ATTEMPTS, BigQueryJobs
from sightline.ports import WarehouseUsage

SELECT = "SELECT 1"
google: Any = exceptions
"""Google's exceptions, whose constructors have no types."""


@dataclass
class Job:
    """A scripted job: it runs for ``polls`` polls, and then succeeds, or fails with ``error``."""

    polls: int = 0
    error: Exception | None = None
    poll_error: Exception | None = None
    num_dml_affected_rows: int = 7
    total_bytes_billed: int = 10 << 20
    slot_millis: int = 5

    @property
    def error_result(self) -> dict[str, str] | None:
        return {"reason": "as the error says"} if self.error else None

    def done(self) -> bool:
        if self.poll_error:
            raise self.poll_error
        self.polls -= 1
        return self.polls < 0

    def result(self, *, job_retry: None) -> list[Any]:
        if self.error:
            raise self.error
        return []


@dataclass
class Library:
    """The part of Google's client that jobs need; ``script`` returns each new job, or an error."""

    script: Callable[[str], Job | Exception]
    existing: dict[str, Job] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)

    def query(self, _statement: str, *, job_id: str, **_: Any) -> Job:
        if job_id in self.existing:
            raise google.Conflict("Already Exists: Job p:US." + job_id)
        outcome = self.script(job_id)
        if isinstance(outcome, Exception):
            raise outcome
        self.started.append(job_id)
        self.existing[job_id] = outcome
        return outcome

    def get_job(self, job_id: str, **_: Any) -> Job:
        if job_id not in self.existing:
            raise google.NotFound("no job " + job_id)
        return self.existing[job_id]


class Client:
    """Sightline's client over the scripted library."""

    location = "US"

    def __init__(self, library: Library) -> None:
        self._library = library

    def config(self, values: Any, run_id: str = "") -> Any:
        from google.cloud.bigquery import QueryJobConfig

        return QueryJobConfig()

    def request_options(self) -> dict[str, Any]:
        return {}

    async def use(self, work: Callable[[Any], Any]) -> Any:
        with BIGQUERY.translated("the dataset p.d"):
            return work(self._library)


def jobs_over(script: Callable[[str], Job | Exception]) -> tuple[BigQueryJobs, Library]:
    """Return jobs over a scripted library."""
    library = Library(script)
    return BigQueryJobs(cast(BigQueryClient, Client(library)), look_every_s=0.0), library


async def test_a_job_is_started_once_and_found_again_after_a_restart() -> None:
    jobs, library = jobs_over(lambda _: Job(polls=2))
    first = await jobs.run("pass-1", SELECT, {})
    assert (first.changed, first.usage) == (7, WarehouseUsage(10 << 20, 5))
    again = BigQueryJobs(cast(BigQueryClient, Client(library)), look_every_s=0.0)
    assert await again.run("pass-1", SELECT, {}) == replace(first, existed=True)
    assert library.started == ["pass-1-1"]
    assert (jobs.usage, again.usage) == (first.usage, WarehouseUsage()), (
        "usage counts where the job was started"
    )
    await jobs.run("pass-2", SELECT, {})
    assert jobs.usage == first.usage + first.usage


async def test_a_job_that_dies_half_way_is_run_again_under_another_number() -> None:
    died = google.InternalServerError("The job encountered an internal error during execution")
    jobs, library = jobs_over(lambda job_id: Job(error=died if job_id.endswith("-1") else None))
    await jobs.run("pass-1", SELECT, {})
    assert library.started == ["pass-1-1", "pass-1-2"]
    await jobs.run("pass-1", SELECT, {})
    assert library.started == ["pass-1-1", "pass-1-2"], (
        "the job that succeeded is found after the failed one"
    )


async def test_a_quota_that_stays_exhausted_is_reported() -> None:
    quota = google.Forbidden("Quota exceeded", errors=[{"reason": "quotaExceeded"}])
    jobs, library = jobs_over(lambda _: Job(error=quota))
    with pytest.raises(TransientError, match="Quota exceeded"):
        await jobs.run("pass-1", SELECT, {})
    assert len(library.started) == MAX_ATTEMPTS


async def test_a_statement_that_is_refused_is_not_tried_again() -> None:
    jobs, library = jobs_over(lambda _: Job(error=google.BadRequest("Syntax error at [1:1]")))
    with pytest.raises(ConfigurationError, match="Syntax error"):
        await jobs.run("pass-1", SELECT, {})
    assert len(library.started) == 1


async def test_a_job_that_was_refused_is_started_again_once_it_is_permitted() -> None:
    outcomes = iter([google.Forbidden("the connection may not"), None])
    jobs, library = jobs_over(lambda _: Job(error=next(outcomes)))
    with pytest.raises(ConfigurationError, match="may not"):
        await jobs.run("pass-1", SELECT, {})
    assert (await jobs.run("pass-1", SELECT, {})).existed is False, "started once it was permitted"
    assert library.started == ["pass-1-1", "pass-1-2"]


async def test_a_quota_that_was_exhausted_in_an_earlier_call_is_tried_again() -> None:
    quota = google.Forbidden("Quota exceeded", errors=[{"reason": "quotaExceeded"}])
    outcomes = iter([*[quota] * MAX_ATTEMPTS, None])
    jobs, library = jobs_over(lambda _: Job(error=next(outcomes)))
    with pytest.raises(TransientError, match="Quota exceeded"):
        await jobs.run("pass-1", SELECT, {})
    assert (await jobs.run("pass-1", SELECT, {})).changed == 7
    assert len(library.started) == MAX_ATTEMPTS + 1


async def test_a_refused_statement_that_leaves_a_job_is_not_started_again() -> None:
    refusal: Exception = google.BadRequest("Syntax error at [1:1]")

    def refused_with_a_job(job_id: str) -> Exception:
        library.existing[job_id] = Job(error=refusal)
        return refusal

    jobs, library = jobs_over(refused_with_a_job)
    with pytest.raises(ConfigurationError, match="Syntax error"):
        await jobs.run("pass-1", SELECT, {})
    assert list(library.existing) == ["pass-1-1"]


async def test_a_job_that_was_started_despite_an_error_is_found() -> None:
    def started_despite_an_error(job_id: str) -> Exception:
        library.existing[job_id] = Job()
        return busy

    busy: Exception = google.ServiceUnavailable("busy")

    jobs, library = jobs_over(started_despite_an_error)
    assert (await jobs.run("pass-1", SELECT, {})).changed == 7
    assert list(library.existing) == ["pass-1-1"]


async def test_an_error_without_a_job_is_raised() -> None:
    jobs, _ = jobs_over(lambda _: google.ServiceUnavailable("busy"))
    with pytest.raises(TransientError, match="busy"):
        await jobs.run("pass-1", SELECT, {})


async def test_the_job_of_a_killed_process_is_waited_for_and_no_other_is_started() -> None:
    jobs, library = jobs_over(lambda _: Job())
    assert not await jobs.wait("pass-1")
    library.existing["pass-1-1"] = Job(error=google.InternalServerError("it died"))
    assert not await jobs.wait("pass-1"), "a failed job has no responses"
    library.existing["pass-1-2"] = running = Job(polls=2)
    assert await jobs.wait("pass-1")
    assert running.polls < 0, "it was waited for"
    assert library.started == []


async def test_an_unreachable_service_is_an_error_and_no_other_job_is_started() -> None:
    jobs, library = jobs_over(lambda _: Job())
    library.existing["pass-1-1"] = Job(
        polls=1, poll_error=google.ServiceUnavailable("out of reach")
    )
    for _ in range(2):
        with pytest.raises(TransientError, match="out of reach"):
            await jobs.run("pass-1", SELECT, {})
        with pytest.raises(TransientError, match="out of reach"):
            await jobs.wait("pass-1")
    assert library.started == [], "it would be paid twice"
    library.existing["pass-1-1"].poll_error = None
    assert await jobs.wait("pass-1")


async def test_an_invalid_name_is_refused() -> None:
    jobs, _ = jobs_over(lambda _: Job())
    with pytest.raises(ConfigurationError, match="not a valid name of a job"):
        await jobs.run("pass 1; DROP", SELECT, {})
