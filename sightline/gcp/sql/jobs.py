"""Runs statements as named BigQuery jobs, so that a restarted process finds a job again.

Statements that call a model can run for hours, and are paid for. A job's id is derived from what
the job does. A caller that requests the same job again, such as a process that was killed and
restarted, gets the existing job. A failed job keeps its id permanently, so the next attempt uses
the next number. Failures from before this process (a missing permission, an exhausted quota) are
skipped.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, cast

from sightline.errors import ConfigurationError, NotFoundError, SightlineError, TransientError
from sightline.gcp.bigquery.client import BigQueryClient, Row, Value
from sightline.ports import WarehouseUsage

if TYPE_CHECKING:
    from google.cloud import bigquery

LOOK_EVERY_S = 2.0
"""The interval at which a running job is polled."""

MAX_ATTEMPTS = 5
"""How many jobs of one name a process starts, if they fail transiently, before it raises."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,900}")


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished job: the rows that it returned, the number of rows that it changed, and its usage.

    ``existed`` is true if the job had already been started by an earlier call.
    """

    rows: list[Row]
    changed: int
    usage: WarehouseUsage
    existed: bool = False


class Jobs(Protocol):
    """Runs statements on BigQuery, or on a test's script of it."""

    @property
    def usage(self) -> WarehouseUsage:
        """The usage of the named jobs that this object started."""
        ...

    async def run(
        self, name: str, statement: str, values: Mapping[str, Value], *, run_id: str = ""
    ) -> Finished:
        """Run a statement once under a name; if a job of this name exists, wait for it instead.

        Raises:
            TransientError: the job failed transiently ``MAX_ATTEMPTS`` times.
            ConfigurationError, NotFoundError: BigQuery refused the job.
        """
        ...

    async def wait(self, name: str) -> bool:
        """Wait for the job of this name, if any; return whether one exists and succeeded."""
        ...

    async def read(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """Return the rows of an unnamed query; raises as ``run`` does."""
        ...

    async def bytes_to_read(self, statement: str, values: Mapping[str, Value]) -> int:
        """Return the bytes that a query would read, from a dry run; raises as ``run`` does."""
        ...


class BigQueryJobs:
    """Runs jobs in the project of ``client``."""

    def __init__(self, client: BigQueryClient, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._client = client
        self._look_every_s = look_every_s
        self.usage = WarehouseUsage()

    async def run(
        self, name: str, statement: str, values: Mapping[str, Value], *, run_id: str = ""
    ) -> Finished:
        """See ``Jobs``."""
        if not _ID.fullmatch(name):
            raise ConfigurationError(
                f"{name[:80]!r} is not a valid name of a job; use letters, digits, _"
            )
        config = self._client.config(values, run_id)
        started = 0
        for attempt in count(1):
            job_id = f"{name}-{attempt}"
            job = await self._client.use(partial(self._find, job_id))
            existed = job is not None
            if job is None:
                started += 1
                job = await self._client.use(partial(self._start, job_id, statement, config))
            failure = await self._failure_of(job)
            if failure is None:
                finished = await self._client.use(partial(_finished, job, existed))
                if not existed:
                    self.usage += finished.usage
                return finished
            if existed:
                continue  # the cause of its failure may have been removed since
            if not isinstance(failure, TransientError) or started >= MAX_ATTEMPTS:
                raise failure
        raise AssertionError("numbers do not end")

    async def wait(self, name: str) -> bool:
        """See ``Jobs``."""
        for attempt in count(1):
            job = await self._client.use(partial(self._find, f"{name}-{attempt}"))
            if job is None:
                return False
            if await self._failure_of(job) is None:
                return True
        raise AssertionError("numbers do not end")

    async def read(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """See ``Jobs``."""
        return await self._client.bound(statement, values)

    async def bytes_to_read(self, statement: str, values: Mapping[str, Value]) -> int:
        """See ``Jobs``."""
        return await self._client.dry_run(statement, **values)

    async def _failure_of(self, job: bigquery.QueryJob) -> SightlineError | None:
        """Wait for a job; return its error, if it failed.

        If BigQuery cannot be reached, the job may still be running, so that error is raised:
        starting the job again would pay for it twice.
        """
        while not await self._client.use(partial(_is_done, job)):  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(self._look_every_s)
        if job.error_result is None:
            return None
        try:
            await self._client.use(lambda _: job.result(job_retry=None))
        except (TransientError, ConfigurationError, NotFoundError) as error:
            return error
        raise AssertionError("a job that failed has a result")

    def _find(self, job_id: str, library: bigquery.Client) -> bigquery.QueryJob | None:
        from google.api_core.exceptions import NotFound

        try:
            job = library.get_job(
                job_id, location=self._client.location, **self._client.request_options()
            )
        except NotFound:
            return None
        return cast("bigquery.QueryJob", job)

    def _start(
        self, job_id: str, statement: str, config: bigquery.QueryJobConfig, library: bigquery.Client
    ) -> bigquery.QueryJob:
        """Start a job, or return the existing one after any error.

        A 409 means that the job exists. An overloaded service may have started the job and still
        report another error, and an emulator reports errors of its own.
        """
        from google.api_core.exceptions import GoogleAPICallError

        try:
            return library.query(
                statement,
                job_config=config,
                job_id=job_id,
                location=self._client.location,
                job_retry=None,
                **self._client.request_options(),
            )
        except GoogleAPICallError as error:
            if (existing := self._find(job_id, library)) is None:
                raise error from None
            return existing


def _is_done(job: bigquery.QueryJob, _: bigquery.Client) -> bool:
    return bool(job.done())


def _finished(job: bigquery.QueryJob, existed: bool, _: bigquery.Client) -> Finished:
    rows: list[Any] = [row.values() for row in job.result(job_retry=None)]
    return Finished(
        rows,
        int(job.num_dml_affected_rows or 0),
        WarehouseUsage(int(job.total_bytes_billed or 0), int(job.slot_millis or 0)),
        existed,
    )
