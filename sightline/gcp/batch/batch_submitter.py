"""The port ``PassSubmitter`` over jobs of batch prediction.

A pass is a job with a name. Killed at any point it leaves nothing to mend: requests are written
whole, a job that is there is waited for whatever its state, and what it said goes into the table of
what was asked by one statement with a name.
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
from sightline.gcp.sql.jobs import MOST_TRIES, Jobs
from sightline.gcp.sql.judging import RETRYABLE
from sightline.gcp.sql.pass_submitter import BatchPass
from sightline.gcp.sql.result_mappings import TaskVersion, task_of
from sightline.model import EmbeddingPart, Part
from sightline.ports import PartBatch
from sightline.work_lists import check_in_batch

LOOK_EVERY_S = 30.0
"""How often a job that runs is looked at."""

BLIND_LOOKS = 30
"""So many looks in a row may fail: a job of hours is not given up for minutes without a network."""

log = logging.getLogger(__name__)


class Stage(Protocol):
    """Takes rows into the table that a statement reads them from."""

    async def load(self, table: str, rows: Sequence[OutputRow]) -> None:
        """Let a table, by its quoted name, hold these rows and no others.

        Raises:
            TransientError, ConfigurationError, NotFoundError: it cannot.
        """
        ...


class BatchSubmitter:
    """Asks by jobs of batch prediction; ``on_job`` is told of a job each time it is looked at.

    ``buckets``, where any are named, are those whose images may be sent.
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
        """Check that jobs ask the part's model; there is nothing to make."""
        check_in_batch(part)

    async def ask(self, batch_pass: BatchPass) -> None:
        """See ``PassSubmitter``. A job that failed before this process asked is passed by."""
        jobs = self._jobs_of(batch_pass.batch.part)
        begun = 0
        for tried in count(1):
            name = _job_name(batch_pass, tried)
            there = await jobs.find(name)
            was_there = bool(there)
            if not there:
                begun += 1
                there = await self._begin(jobs, name, batch_pass)
                if not there:
                    return  # of a run that was cancelled meanwhile nothing is chosen
            failure = await self._end_of(jobs, there, batch_pass)
            if failure is None:
                return
            if was_there:
                continue  # what it failed for may be mended by now
            if not isinstance(failure, TransientError) or begun >= MOST_TRIES:
                raise failure

    async def wait(self, batch_pass: BatchPass) -> bool:
        """See ``PassSubmitter``."""
        jobs = self._jobs_of(batch_pass.batch.part)
        for tried in count(1):
            there = await jobs.find(_job_name(batch_pass, tried))
            if not there:
                return False
            if await self._end_of(jobs, there, batch_pass) is None:
                return True
        raise AssertionError("numbers do not end")

    async def clear(self, batch_name: str) -> None:
        """Remove requests and outputs: they hold URIs and answers, and all of it is written."""
        await asyncio.to_thread(self._folder.clear, batch_name)

    async def _begin(self, jobs: BatchJobs, name: str, batch_pass: BatchPass) -> Sequence[BatchJob]:
        """Begin a job over the chosen parts, unless there are none.

        Where the answer to that is lost, the job may be there: it is looked for before it is begun
        once more. Two of a name do no harm, but are paid twice.
        """
        chosen = await self._warehouse.read(statement("chosen", to_ask=batch_pass.to_ask), {})
        lines = request_lines(
            await self._question(batch_pass.batch), ((key, uris) for key, uris in chosen)
        )
        requests, output = _requests(batch_pass), _output(batch_pass)
        if not await asyncio.to_thread(self._folder.write, requests, lines):
            return ()
        for begun in count(1):
            try:
                job = await jobs.begin(
                    name,
                    model=batch_pass.batch.part.model,
                    requests=self._folder.uri(requests),
                    output=self._folder.uri(output),
                    run_id=batch_pass.batch.run_id,
                )
            except TransientError:
                if begun >= MOST_TRIES:
                    raise
            else:
                return [job]
            await self._sleep(self._look_every_s)
            if there := await jobs.find(name):
                return there
        raise AssertionError("numbers do not end")

    async def _question(self, batch: PartBatch) -> Question:
        part = batch.part
        if isinstance(part, EmbeddingPart):
            return EmbeddingQuestion(part.dimension)
        task = await task_of(part, self._task_version)
        return AnswerQuestion(task, model=part.model, run_id=batch.run_id)

    async def _end_of(
        self, jobs: BatchJobs, there: Sequence[BatchJob], batch_pass: BatchPass
    ) -> SightlineError | None:
        """Wait for all jobs of a name, and take what they said.

        Return what they failed with where they said nothing. One that was cancelled, that expired
        or that got half-way has said what it has said, and what is missing is asked again.

        Raises:
            ConfigurationError: one writes elsewhere. Passed by, all would be paid again.
        """
        below = self._folder.uri(_output(batch_pass))
        for job in there:
            if job.output.rstrip("/") not in ("", below):
                raise ConfigurationError(
                    f"the batch job {job.resource} writes below {job.output}, and not below"
                    f" {below}; set batch.bucket to what it was, or `sightline cancel` the run"
                )
        ended = [await self._ended(jobs, job) for job in there]
        took = await self._take(batch_pass)
        failed = [job for job in ended if job.failed]
        return failed[0].failure() if not took and len(failed) == len(ended) else None

    async def _ended(self, jobs: BatchJobs, job: BatchJob) -> BatchJob:
        self._on_job(job)
        failures = 0
        while not job.ended:
            await self._sleep(self._look_every_s)
            try:
                job = await jobs.look(job.resource)
            except TransientError as error:
                failures += 1
                if failures >= BLIND_LOOKS:
                    raise
                log.warning("%s; the job goes on, and is looked at again", error)
                continue
            failures = 0
            self._on_job(job)
        return job

    async def _take(self, batch_pass: BatchPass) -> bool:
        """Bring what was said into the table, once; return whether anything was.

        Raises:
            ConfigurationError: the output is in a form that is not known. Asked again, it would
                only be paid again.
        """
        name = f"{batch_pass.name}-said"
        if await self._warehouse.wait(name):
            return True
        model = batch_pass.batch.part.model
        output = _output(batch_pass)
        output_rows = await asyncio.to_thread(
            lambda: read_lines(self._folder.lines(output), model=model)
        )
        # One that is unreadable may be a line that was cut off.
        if output_rows.unreadable > 1 and not output_rows.rows:
            raise ConfigurationError(
                f"none of {output_rows.unreadable:,} lines below {self._folder.uri(output)}"
                " identifies its part; they are paid for and stay there, and nothing is asked"
                " again: use a version that reads them, or `sightline cancel` the run"
            )
        if not output_rows.rows:
            return False
        await self._stage.load(batch_pass.said, list(output_rows.rows.values()))
        take = statement(
            "take_responses",
            asked=batch_pass.asked,
            said=batch_pass.said,
            listed=batch_pass.listed,
            retryable=RETRYABLE,
        )
        await self._warehouse.run(
            name,
            take,
            {**batch_pass.values, "pass": batch_pass.number},
            run_id=batch_pass.batch.run_id,
        )
        left = statement("strangers", said=batch_pass.said, asked=batch_pass.asked)
        ((strangers,),) = await self._warehouse.read(left, {"pass": batch_pass.number})
        if output_rows.unreadable or output_rows.doubled or strangers:
            log.warning(
                "%s: %d lines name no part, %d name a part again, %d parts were not asked about",
                batch_pass.name, output_rows.unreadable, output_rows.doubled, strangers,
            )  # fmt: skip
        return True


def _job_name(batch_pass: BatchPass, tried: int) -> str:
    return f"{batch_pass.name}-{tried}"


def _requests(batch_pass: BatchPass) -> str:
    return f"{batch_pass.batch_name}/{batch_pass.number}/requests.jsonl"


def _output(batch_pass: BatchPass) -> str:
    return f"{batch_pass.batch_name}/{batch_pass.number}/said"
