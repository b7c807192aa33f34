"""Jobs with a name: begun once, found again, tried under another number when they failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from google.api_core import exceptions

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.failures import BIGQUERY
from sightline.gcp.sql.jobs import MOST_TRIES, BigQueryJobs
from sightline.ports import WarehouseUsage

SELECT = "SELECT 1"
google: Any = exceptions
"""Google's exceptions, whose constructors have no types."""


@dataclass
class Job:
    """A job of the script: it runs for so many looks, and then it is done, or has failed."""

    looks: int = 0
    error: Exception | None = None
    unheard: Exception | None = None
    num_dml_affected_rows: int = 7
    total_bytes_billed: int = 10 << 20
    slot_millis: int = 5

    @property
    def error_result(self) -> dict[str, str] | None:
        return {"reason": "as the error says"} if self.error else None

    def done(self) -> bool:
        if self.unheard:
            raise self.unheard
        self.looks -= 1
        return self.looks < 0

    def result(self, *, job_retry: None) -> list[Any]:
        if self.error:
            raise self.error
        return []


@dataclass
class Library:
    """Google's client, as far as jobs need it: ``script`` says what becomes of each new job."""

    script: Callable[[str], Job | Exception]
    there: dict[str, Job] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)

    def query(self, _statement: str, *, job_id: str, **_: Any) -> Job:
        if job_id in self.there:
            raise google.Conflict("Already Exists: Job p:US." + job_id)
        outcome = self.script(job_id)
        if isinstance(outcome, Exception):
            raise outcome
        self.begun.append(job_id)
        self.there[job_id] = outcome
        return outcome

    def get_job(self, job_id: str, **_: Any) -> Job:
        if job_id not in self.there:
            raise google.NotFound("no job " + job_id)
        return self.there[job_id]


class Client:
    """Our client over that library."""

    location = "US"

    def __init__(self, library: Library) -> None:
        self._library = library

    def config(self, values: Any, run_id: str = "") -> Any:
        from google.cloud.bigquery import QueryJobConfig

        return QueryJobConfig()

    def how(self) -> dict[str, Any]:
        return {}

    async def use(self, work: Callable[[Any], Any]) -> Any:
        with BIGQUERY.translated("the dataset p.d"):
            return work(self._library)


def jobs_over(script: Callable[[str], Job | Exception]) -> tuple[BigQueryJobs, Library]:
    """Return jobs over a scripted library."""
    library = Library(script)
    return BigQueryJobs(cast(BigQueryClient, Client(library)), look_every_s=0.0), library


async def test_a_job_is_begun_once_and_found_again_after_a_restart() -> None:
    jobs, library = jobs_over(lambda _: Job(looks=2))
    first = await jobs.run("pass-1", SELECT, {})
    assert (first.changed, first.usage) == (7, WarehouseUsage(10 << 20, 5))
    again = BigQueryJobs(cast(BigQueryClient, Client(library)), look_every_s=0.0)
    assert await again.run("pass-1", SELECT, {}) == replace(first, found=True)
    assert library.begun == ["pass-1-1"]
    assert (jobs.usage, again.usage) == (first.usage, WarehouseUsage()), (
        "counted where it was begun"
    )
    await jobs.run("pass-2", SELECT, {})
    assert jobs.usage == first.usage + first.usage


async def test_a_job_that_dies_half_way_is_run_again_under_another_number() -> None:
    died = google.InternalServerError("The job encountered an internal error during execution")
    jobs, library = jobs_over(lambda job_id: Job(error=died if job_id.endswith("-1") else None))
    await jobs.run("pass-1", SELECT, {})
    assert library.begun == ["pass-1-1", "pass-1-2"]
    await jobs.run("pass-1", SELECT, {})
    assert library.begun == ["pass-1-1", "pass-1-2"], "what succeeded is found, past what failed"


async def test_a_quota_that_stays_used_up_is_told() -> None:
    quota = google.Forbidden("Quota exceeded", errors=[{"reason": "quotaExceeded"}])
    jobs, library = jobs_over(lambda _: Job(error=quota))
    with pytest.raises(TransientError, match="Quota exceeded"):
        await jobs.run("pass-1", SELECT, {})
    assert len(library.begun) == MOST_TRIES


async def test_a_statement_that_is_refused_is_not_tried_again() -> None:
    jobs, library = jobs_over(lambda _: Job(error=google.BadRequest("Syntax error at [1:1]")))
    with pytest.raises(ConfigurationError, match="Syntax error"):
        await jobs.run("pass-1", SELECT, {})
    assert len(library.begun) == 1


async def test_what_was_refused_before_it_was_mended_is_begun_anew() -> None:
    outcomes = iter([google.Forbidden("the connection may not"), None])
    jobs, library = jobs_over(lambda _: Job(error=next(outcomes)))
    with pytest.raises(ConfigurationError, match="may not"):
        await jobs.run("pass-1", SELECT, {})
    assert (await jobs.run("pass-1", SELECT, {})).found is False, "begun when it was permitted"
    assert library.begun == ["pass-1-1", "pass-1-2"]


async def test_a_quota_that_was_used_up_yesterday_is_tried_again() -> None:
    quota = google.Forbidden("Quota exceeded", errors=[{"reason": "quotaExceeded"}])
    outcomes = iter([*[quota] * MOST_TRIES, None])
    jobs, library = jobs_over(lambda _: Job(error=next(outcomes)))
    with pytest.raises(TransientError, match="Quota exceeded"):
        await jobs.run("pass-1", SELECT, {})
    assert (await jobs.run("pass-1", SELECT, {})).changed == 7
    assert len(library.begun) == MOST_TRIES + 1


async def test_a_statement_whose_refusal_leaves_a_job_is_not_begun_on_and_on() -> None:
    refusal: Exception = google.BadRequest("Syntax error at [1:1]")

    def refused_with_a_job(job_id: str) -> Exception:
        library.there[job_id] = Job(error=refusal)
        return refusal

    jobs, library = jobs_over(refused_with_a_job)
    with pytest.raises(ConfigurationError, match="Syntax error"):
        await jobs.run("pass-1", SELECT, {})
    assert list(library.there) == ["pass-1-1"]


async def test_a_job_begun_behind_an_error_is_found() -> None:
    def begun_behind_an_error(job_id: str) -> Exception:
        library.there[job_id] = Job()
        return busy

    busy: Exception = google.ServiceUnavailable("busy")

    jobs, library = jobs_over(begun_behind_an_error)
    assert (await jobs.run("pass-1", SELECT, {})).changed == 7
    assert list(library.there) == ["pass-1-1"]


async def test_an_error_without_a_job_behind_it_is_told() -> None:
    jobs, _ = jobs_over(lambda _: google.ServiceUnavailable("busy"))
    with pytest.raises(TransientError, match="busy"):
        await jobs.run("pass-1", SELECT, {})


async def test_a_job_of_a_process_that_was_killed_is_waited_for_and_none_is_begun() -> None:
    jobs, library = jobs_over(lambda _: Job())
    assert not await jobs.wait("pass-1")
    library.there["pass-1-1"] = Job(error=google.InternalServerError("it died"))
    assert not await jobs.wait("pass-1"), "what failed brought nothing"
    library.there["pass-1-2"] = running = Job(looks=2)
    assert await jobs.wait("pass-1")
    assert running.looks < 0, "it was waited for"
    assert library.begun == []


async def test_a_service_out_of_reach_says_nothing_of_a_job_and_begins_no_other() -> None:
    jobs, library = jobs_over(lambda _: Job())
    library.there["pass-1-1"] = Job(looks=1, unheard=google.ServiceUnavailable("out of reach"))
    for _ in range(2):
        with pytest.raises(TransientError, match="out of reach"):
            await jobs.run("pass-1", SELECT, {})
        with pytest.raises(TransientError, match="out of reach"):
            await jobs.wait("pass-1")
    assert library.begun == [], "it would be paid twice"
    library.there["pass-1-1"].unheard = None
    assert await jobs.wait("pass-1")


async def test_a_name_that_is_none_is_refused() -> None:
    jobs, _ = jobs_over(lambda _: Job())
    with pytest.raises(ConfigurationError, match="not a valid name of a job"):
        await jobs.run("pass 1; DROP", SELECT, {})
