"""Implements ``PassSubmitter`` with batch prediction jobs.

A pass is a named job. A process that is killed at any point leaves nothing to repair: requests are
written as a whole, an existing job is waited for whatever its state, and one named statement copies
its output into the responses table.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Protocol

from sightline.errors import ConfigurationError, SightlineError, TransientError
from sightline.gcp.batch.folder import Folder
from sightline.gcp.batch.jobs import BatchJob, BatchJobs
from sightline.gcp.batch.output_rows import OutputRow, read_lines
from sightline.gcp.batch.requests import (
    AnswerQuestion,
    EmbeddingQuestion,
    Question,
    request_lines,
)
from sightline.gcp.sql.files import statement
from sightline.gcp.sql.images import Images, Uris
from sightline.gcp.sql.jobs import MAX_ATTEMPTS, Jobs
from sightline.gcp.sql.judging import RETRYABLE
from sightline.gcp.sql.pass_submitter import BatchPass
from sightline.gcp.sql.result_mappings import TaskVersion, task_of
from sightline.model import EmbeddingPart, Part
from sightline.ports import PartBatch
from sightline.work_lists import check_in_batch

LOOK_EVERY_S = 30.0
"""The interval at which a running job is polled."""

MAX_FAILED_POLLS = 30
"""How many polls in a row may fail: a job of hours survives some minutes without a network."""

log = logging.getLogger(__name__)


class Stage(Protocol):
    """Loads rows into the staging table."""

    async def load(self, table: str, rows: Sequence[OutputRow]) -> None:
        """Replace the rows of a table, given by its quoted name.

        Raises:
            TransientError, ConfigurationError, NotFoundError: the rows cannot be loaded.
        """
        ...


class BatchSubmitter:
    """Submits passes as batch prediction jobs; ``on_job`` receives a job each time it is polled.

    If ``buckets`` are given, only their images are sent.
    """

    def __init__(
        self,
        jobs_of: Callable[[Part], BatchJobs],
        folder: Folder,
        warehouse: Jobs,
        stage: Stage,
        task_version: TaskVersion,
        *,
        buckets: tuple[str, ...] = (),
        look_every_s: float = LOOK_EVERY_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_job: Callable[[BatchJob], None] = lambda _: None,
    ) -> None:
        self._jobs_of = jobs_of
        self._folder = folder
        self._warehouse = warehouse
        self._stage = stage
        self._task_version = task_version
        self._look_every_s = look_every_s
        self._sleep = sleep
        self._on_job = on_job
        self.images: Images = Uris(buckets)

    async def prepare(self, part: Part) -> None:
        """Check that batch jobs support the part's model; there is nothing to create."""
        check_in_batch(part)

    async def ask(self, batch_pass: BatchPass) -> None:
        """See ``PassSubmitter``. A job that failed before this call is skipped."""
        jobs = self._jobs_of(batch_pass.batch.part)
        started = 0
        for attempt in count(1):
            name = _job_name(batch_pass, attempt)
            named_jobs = await jobs.find(name)
            existed = bool(named_jobs)
            if not existed:
                started += 1
                named_jobs = await self._start(jobs, name, batch_pass)
                if not named_jobs:
                    return  # the run was cancelled meanwhile, so no part was chosen
            failure = await self._failure_of(jobs, named_jobs, batch_pass)
            if failure is None:
                return
            if existed:
                continue  # the cause of its failure may have been removed since
            if not isinstance(failure, TransientError) or started >= MAX_ATTEMPTS:
                raise failure

    async def wait(self, batch_pass: BatchPass) -> bool:
        """See ``PassSubmitter``."""
        jobs = self._jobs_of(batch_pass.batch.part)
        for attempt in count(1):
            named_jobs = await jobs.find(_job_name(batch_pass, attempt))
            if not named_jobs:
                return False
            if await self._failure_of(jobs, named_jobs, batch_pass) is None:
                return True
        raise AssertionError("numbers do not end")

    async def clear(self, batch_name: str) -> None:
        """Remove requests and outputs: they contain URIs and answers, which are in the ledgers."""
        await asyncio.to_thread(self._folder.clear, batch_name)

    async def _start(self, jobs: BatchJobs, name: str, batch_pass: BatchPass) -> Sequence[BatchJob]:
        """Start a job over the chosen parts, unless there are none.

        If the response is lost, the job may exist, so it is looked up before another attempt. Two
        jobs of one name do no harm, but both are paid for.
        """
        select = statement("chosen", chosen_table=batch_pass.chosen_table)
        chosen = await self._warehouse.read(select, {})
        lines = request_lines(
            await self._question(batch_pass.batch), ((key, uris) for key, uris in chosen)
        )
        requests, output = _requests(batch_pass), _output(batch_pass)
        if not await asyncio.to_thread(self._folder.write, requests, lines):
            return ()
        for attempt in count(1):
            try:
                job = await jobs.start(
                    name,
                    model=batch_pass.batch.part.model,
                    requests=self._folder.uri(requests),
                    output=self._folder.uri(output),
                    run_id=batch_pass.batch.run_id,
                )
            except TransientError:
                if attempt >= MAX_ATTEMPTS:
                    raise
            else:
                return [job]
            await self._sleep(self._look_every_s)
            if named_jobs := await jobs.find(name):
                return named_jobs
        raise AssertionError("numbers do not end")

    async def _question(self, batch: PartBatch) -> Question:
        part = batch.part
        if isinstance(part, EmbeddingPart):
            return EmbeddingQuestion(part.dimension)
        task = await task_of(part, self._task_version)
        return AnswerQuestion(task, model=part.model, run_id=batch.run_id)

    async def _failure_of(
        self, jobs: BatchJobs, named_jobs: Sequence[BatchJob], batch_pass: BatchPass
    ) -> SightlineError | None:
        """Wait for all jobs of a name, and load their output.

        Returns their error if all failed without output. The output of a job that was cancelled,
        expired or succeeded partially is kept, and missing parts are asked about again.

        Raises:
            ConfigurationError: a job writes elsewhere; if it were skipped, its requests would be
                paid for again.
        """
        below = self._folder.uri(_output(batch_pass))
        for job in named_jobs:
            if job.output.rstrip("/") not in ("", below):
                raise ConfigurationError(
                    f"the batch job {job.resource} writes below {job.output}, and not below"
                    f" {below}; restore the value of batch.bucket, or `sightline cancel` the run"
                )
        ended = [await self._ended(jobs, job) for job in named_jobs]
        has_output = await self._load_output(batch_pass)
        failed = [job for job in ended if job.failed]
        return failed[0].failure() if not has_output and len(failed) == len(ended) else None

    async def _ended(self, jobs: BatchJobs, job: BatchJob) -> BatchJob:
        self._on_job(job)
        failures = 0
        while not job.ended:
            await self._sleep(self._look_every_s)
            try:
                job = await jobs.get(job.resource)
            except TransientError as error:
                failures += 1
                if failures >= MAX_FAILED_POLLS:
                    raise
                log.warning("%s; the job continues, and will be polled again", error)
                continue
            failures = 0
            self._on_job(job)
        return job

    async def _load_output(self, batch_pass: BatchPass) -> bool:
        """Copy the output into the responses table once; return whether there was any output.

        Raises:
            ConfigurationError: the output has an unknown form; asking again would only cost again.
        """
        name = f"{batch_pass.name}-said"
        if await self._warehouse.wait(name):
            return True
        model = batch_pass.batch.part.model
        output = _output(batch_pass)
        output_rows = await asyncio.to_thread(
            lambda: read_lines(self._folder.lines(output), model=model)
        )
        # A single unreadable line may have been cut off.
        if output_rows.unreadable > 1 and not output_rows.rows:
            raise ConfigurationError(
                f"none of {output_rows.unreadable:,} lines below {self._folder.uri(output)}"
                " identifies its part; the lines are paid for and kept, and no request is"
                " repeated: use a version that can read them, or `sightline cancel` the run"
            )
        if not output_rows.rows:
            return False
        tables = {
            "staging_table": batch_pass.staging_table,
            "responses_table": batch_pass.responses_table,
        }
        await self._stage.load(batch_pass.staging_table, list(output_rows.rows.values()))
        take = statement("take_responses", **tables, listed=batch_pass.listed, retryable=RETRYABLE)
        await self._warehouse.run(
            name,
            take,
            {**batch_pass.values, "pass": batch_pass.number},
            run_id=batch_pass.batch.run_id,
        )
        count_ignored = statement("ignored", **tables)
        ((ignored,),) = await self._warehouse.read(count_ignored, {"pass": batch_pass.number})
        if output_rows.unreadable or output_rows.duplicates or ignored:
            log.warning(
                "%s: %d lines name no part, %d name a part again, %d parts were not asked about",
                batch_pass.name, output_rows.unreadable, output_rows.duplicates, ignored,
            )  # fmt: skip
        return True


def _job_name(batch_pass: BatchPass, attempt: int) -> str:
    return f"{batch_pass.name}-{attempt}"


def _requests(batch_pass: BatchPass) -> str:
    return f"{batch_pass.batch_name}/{batch_pass.number}/requests.jsonl"


def _output(batch_pass: BatchPass) -> str:
    return f"{batch_pass.batch_name}/{batch_pass.number}/said"
