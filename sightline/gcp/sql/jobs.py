"""Statements as jobs of BigQuery that have a name, so that one is found again after a restart.

A model is asked by statements that may run for hours and are paid for. A job's id is made of what
it does; whoever asks for the same again, a process that was killed and started anew say, gets the
job that is there. A job that failed keeps its id for good, so the next try has a number more; what
failed before this process asked (a permission was missing, a quota was used up) is passed by.
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
"""How often a job that runs is looked at."""

MOST_TRIES = 5
"""Jobs of one name that may fail in passing, begun by one process, before that is told."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,900}")


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that is done: the rows it returned, or the number it changed, and what it took.

    ``found`` says that it was begun before.
    """

    rows: list[Row]
    changed: int
    usage: WarehouseUsage
    found: bool = False


class Jobs(Protocol):
    """Runs statements; BigQuery, or a test's script of one."""

    @property
    def usage(self) -> WarehouseUsage:
        """What statements under a name took that were begun here."""
        ...

    async def run(
        self, name: str, statement: str, values: Mapping[str, Value], *, run_id: str = ""
    ) -> Finished:
        """Run a statement under a name, once; one of this name that is there is waited for.

        Raises:
            TransientError: it failed in passing again and again.
            ConfigurationError, NotFoundError: it is refused.
        """
        ...

    async def wait(self, name: str) -> bool:
        """Wait for a job of this name, if one is there; return whether one is, and succeeded."""
        ...

    async def read(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """Return the rows of a query that has no name; raises as ``run`` does."""
        ...

    async def weigh(self, statement: str, values: Mapping[str, Value]) -> int:
        """Return the bytes that a query would read; it is not run. Raises as ``run`` does."""
        ...


class BigQueryJobs:
    """Jobs of the project of ``client``."""

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
        begun = 0
        for tried in count(1):
            job_id = f"{name}-{tried}"
            job = await self._client.use(partial(self._find, job_id))
            was_there = job is not None
            if job is None:
                begun += 1
                job = await self._client.use(partial(self._begin, job_id, statement, config))
            failure = await self._end_of(job)
            if failure is None:
                finished = await self._client.use(partial(_finished, job, was_there))
                if not was_there:
                    self.usage += finished.usage
                return finished
            if was_there:
                continue  # what it failed for may be mended by now
            if not isinstance(failure, TransientError) or begun >= MOST_TRIES:
                raise failure
        raise AssertionError("numbers do not end")

    async def wait(self, name: str) -> bool:
        """See ``Jobs``."""
        for tried in count(1):
            job = await self._client.use(partial(self._find, f"{name}-{tried}"))
            if job is None:
                return False
            if await self._end_of(job) is None:
                return True
        raise AssertionError("numbers do not end")

    async def read(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """See ``Jobs``."""
        return await self._client.bound(statement, values)

    async def weigh(self, statement: str, values: Mapping[str, Value]) -> int:
        """See ``Jobs``."""
        return await self._client.rehearse(statement, **values)

    async def _end_of(self, job: bigquery.QueryJob) -> SightlineError | None:
        """Wait for a job; return what it failed with, if it did.

        That BigQuery is out of reach says nothing of the job, and is raised: begun again, it would
        be paid twice.
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
            there = library.get_job(job_id, location=self._client.location, **self._client.how())
        except NotFound:
            return None
        return cast("bigquery.QueryJob", there)

    def _begin(
        self, job_id: str, statement: str, config: bigquery.QueryJobConfig, library: bigquery.Client
    ) -> bigquery.QueryJob:
        """Begin a job.

        Whatever a refusal says, a job that is there answers it: a 409 tells so, an overloaded
        service may have begun the job and say otherwise, and an emulator has words of its own.
        """
        from google.api_core.exceptions import GoogleAPICallError

        try:
            return library.query(
                statement,
                job_config=config,
                job_id=job_id,
                location=self._client.location,
                job_retry=None,
                **self._client.how(),
            )
        except GoogleAPICallError as error:
            if (there := self._find(job_id, library)) is None:
                raise error from None
            return there


def _is_done(job: bigquery.QueryJob, _: bigquery.Client) -> bool:
    return bool(job.done())


def _finished(job: bigquery.QueryJob, was_there: bool, _: bigquery.Client) -> Finished:
    rows: list[Any] = [row.values() for row in job.result(job_retry=None)]
    return Finished(
        rows,
        int(job.num_dml_affected_rows or 0),
        WarehouseUsage(int(job.total_bytes_billed or 0), int(job.slot_millis or 0)),
        was_there,
    )
