"""Statements as jobs of BigQuery that have a name, so that one is found again after a restart.

A model is asked by statements that may run for hours and are paid for. A job's id is made of what
it does; whoever asks for the same again, a process that was killed and started anew say, gets the
job that is there. A job that failed keeps its id for good, so the next try has a number more.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.bigquery.client import BigQueryClient, Row, Value

if TYPE_CHECKING:
    from google.cloud import bigquery

LOOK_EVERY_S = 2.0
"""How often a job that runs is looked at."""

MOST_TRIES = 5
"""Jobs of one name that may fail in passing before that is told."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,900}")


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that is done: the rows it returned, or the number it changed, and what it took."""

    rows: list[Row]
    changed: int
    bytes_billed: int
    slot_ms: int


class Jobs(Protocol):
    """Runs statements; BigQuery, or a test's script of one."""

    async def run(
        self, name: str, statement: str, values: Mapping[str, Value], *, run_id: str = ""
    ) -> Finished:
        """Run a statement under a name, once; one of this name that is there is waited for.

        Raises:
            TransientError: it failed in passing again and again.
            ConfigurationError, NotFoundError: it is refused.
        """
        ...

    async def read(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """Return the rows of a query that has no name; raises as ``run`` does."""
        ...

    async def bytes_of(self, statement: str, values: Mapping[str, Value]) -> int:
        """Return what a statement would read, by a dry run; raises as ``run`` does."""
        ...


class BigQueryJobs:
    """Jobs of the project of ``client``."""

    def __init__(self, client: BigQueryClient, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._client = client
        self._look_every_s = look_every_s

    async def run(
        self, name: str, statement: str, values: Mapping[str, Value], *, run_id: str = ""
    ) -> Finished:
        """See ``Jobs``."""
        if not _ID.fullmatch(name):
            raise ConfigurationError(f"{name[:80]!r} is no name of a job; use letters, digits, _")
        config = self._client.config(values, run_id)
        refused: TransientError | None = None
        for tried in range(1, MOST_TRIES + 1):
            job = await self._client.use(partial(self._begin, f"{name}-{tried}", statement, config))
            while not await self._client.use(partial(_is_done, job)):  # noqa: ASYNC110 - elsewhere
                await asyncio.sleep(self._look_every_s)
            try:
                return await self._client.use(partial(_finished, job))
            except TransientError as error:
                refused = error
        assert refused is not None
        raise refused

    async def read(self, statement: str, values: Mapping[str, Value]) -> list[Row]:
        """See ``Jobs``."""
        return await self._client.bound(statement, values)

    async def bytes_of(self, statement: str, values: Mapping[str, Value]) -> int:
        """See ``Jobs``."""
        config = self._client.config(values)
        config.dry_run = True

        def ask(library: bigquery.Client) -> int:
            job = library.query(
                statement, job_config=config, location=self._client.location, job_retry=None,
                **self._client.how(),
            )  # fmt: skip
            return int(job.total_bytes_processed or 0)

        return await self._client.use(ask)

    def _begin(
        self, job_id: str, statement: str, config: bigquery.QueryJobConfig, library: bigquery.Client
    ) -> bigquery.QueryJob:
        """Begin a job, or find the one of this name.

        Whatever a refusal says, a job that is there answers it: a 409 tells so, an overloaded
        service may have begun the job and say otherwise, and an emulator has words of its own.
        """
        from google.api_core.exceptions import GoogleAPICallError, NotFound

        how, location = self._client.how(), self._client.location
        try:
            return library.query(
                statement,
                job_config=config,
                job_id=job_id,
                location=location,
                job_retry=None,
                **how,
            )
        except GoogleAPICallError as error:
            try:
                there = library.get_job(job_id, location=location, **how)
            except NotFound:
                raise error from None
            return cast("bigquery.QueryJob", there)


def _is_done(job: bigquery.QueryJob, _: bigquery.Client) -> bool:
    return bool(job.done())


def _finished(job: bigquery.QueryJob, _: bigquery.Client) -> Finished:
    rows: list[Any] = [row.values() for row in job.result(job_retry=None)]
    return Finished(
        rows,
        int(job.num_dml_affected_rows or 0),
        int(job.total_bytes_billed or 0),
        int(job.slot_millis or 0),
    )
