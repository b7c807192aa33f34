"""Simulates batch prediction jobs: ``projects.locations.batchPredictionJobs``, for Google's models.

A job is queued, pending and running for a configured time. It then answers its lines, writes them
in a different order than the requests, and ends in a configured state.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sightline.sim.vertex.answers import CannotAnswerError
from sightline.sim.vertex.batch_lines import LineAnswers
from sightline.sim.vertex.buckets import Buckets

STATES = (
    "JOB_STATE_UNSPECIFIED", "JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING",
    "JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED",
    "JOB_STATE_PAUSED", "JOB_STATE_EXPIRED", "JOB_STATE_UPDATING",
    "JOB_STATE_PARTIALLY_SUCCEEDED",
)  # fmt: skip
"""In the order of their numbers."""
QUEUED, PENDING, RUNNING, SUCCEEDED, FAILED = STATES[1:6]
CANCELLED, EXPIRED, PARTIALLY = STATES[7], STATES[9], STATES[11]
ENDED = frozenset({SUCCEEDED, FAILED, CANCELLED, EXPIRED, PARTIALLY})

MOST_BYTES = 1_000_000_000
MOST_LINES = 200_000
NOT_FOUND, INVALID_ARGUMENT, PERMISSION_DENIED, INTERNAL = 5, 3, 7, 13
"""Codes of ``google.rpc.Status``."""


@dataclass(slots=True)
class BatchPace:
    """The behaviour of the next jobs; the control API sets it.

    ``ends`` are the final states of the next jobs, in order; later jobs succeed. A job that expires
    or is cancelled, or succeeds partially, has answered half of its lines; a failed job has
    answered none, and has the ``google.rpc`` code ``code``. ``doubled`` is the share of lines that
    appear a second time, refused. ``keys`` is true if the line of an answer has its key. While
    ``hold`` is set, jobs keep running. For the next ``lose_answers`` calls of ``create``, the job
    is created but the response is lost. ``refuse`` is the canonical status with which all calls are
    refused.
    """

    duration_s: float = 0.0
    ends: list[str] = field(default_factory=list)
    code: int = INTERNAL
    doubled: float = 0.0
    keys: bool = True
    hold: bool = False
    lose_answers: int = 0
    refuse: str = ""


@dataclass(slots=True)
class SimulatedBatchJob:
    """One job: its request and its progress."""

    name: str
    request: Mapping[str, Any]
    state: str = QUEUED
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    folder: str = ""
    answered: int = 0
    failed: int = 0
    missing: int = 0
    error: Mapping[str, Any] | None = None

    @property
    def place(self) -> str:
        """The project and the location."""
        return self.name.partition("/batchPredictionJobs/")[0]

    @property
    def model(self) -> str:
        """The short name of the model."""
        return str(self.request["model"]).rpartition("/")[2]


class SimulatedBatchJobs:
    """All jobs by name, in the order of their creation; each runs in a task."""

    def __init__(self, lines: LineAnswers, files: Buckets | None, seed: int) -> None:
        self.pace = BatchPace()
        self.jobs: dict[str, SimulatedBatchJob] = {}
        self._lines = lines
        self._files = files
        self._dice = random.Random(seed)
        self._running: dict[str, asyncio.Task[None]] = {}

    def create(self, place: str, request: Mapping[str, Any]) -> SimulatedBatchJob:
        """Create a job, which starts immediately."""
        number = 5_000_000_000_000_000_000 + 1_000 * len(self.jobs)
        job = SimulatedBatchJob(f"{place}/batchPredictionJobs/{number}", request)
        self.jobs[job.name] = job
        self._running[job.name] = asyncio.create_task(self._run(job))
        return job

    async def cancel(self, job: SimulatedBatchJob) -> None:
        """Cancel a job that has not ended."""
        if job.state not in ENDED:
            await self._stop(job.name)
            self._end(job, CANCELLED)

    async def stop(self) -> None:
        """Stop all jobs in their present state."""
        for name in list(self._running):
            await self._stop(name)

    async def _stop(self, name: str) -> None:
        task = self._running.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, job: SimulatedBatchJob) -> None:
        end = self.pace.ends.pop(0) if self.pace.ends else SUCCEEDED
        for state in (PENDING, RUNNING):
            await asyncio.sleep(self.pace.duration_s / 2)
            job.state = state
        while self.pace.hold:  # noqa: ASYNC110 - the control API sets it
            await asyncio.sleep(0.01)
        try:
            await self._answer(job, end)
        except _FailedError as error:
            job.error = {"code": error.code, "message": str(error)}
            end = FAILED
        self._end(job, end)

    def _end(self, job: SimulatedBatchJob, state: str) -> None:
        job.ended = datetime.now(UTC)
        job.state = state
        self._running.pop(job.name, None)

    async def _answer(self, job: SimulatedBatchJob, end: str) -> None:
        lines = await self._read(job)
        if end == FAILED:
            raise _FailedError(self.pace.code, "The batch prediction job failed.")
        self._dice.shuffle(lines)
        half = end in {EXPIRED, CANCELLED, PARTIALLY}
        chosen = lines[: len(lines) // 2] if half else lines
        job.missing = len(lines) - len(chosen)
        output: list[bytes] = []
        for line in chosen:
            answer, good = await self._lines.answer(job.model, line, keys=self.pace.keys)
            output.append(answer)
            job.answered += good
            job.failed += not good
            if self._dice.random() < self.pace.doubled:
                output.append(self._lines.refused(line, keys=self.pace.keys))
        self._dice.shuffle(output)
        await self._write(job, output)

    async def _read(self, job: SimulatedBatchJob) -> list[bytes]:
        uris: Sequence[str] = job.request["inputConfig"]["gcsSource"]["uris"]
        if self._files is None:
            raise _FailedError(NOT_FOUND, "This simulator has no buckets to read.")
        lines: list[bytes] = []
        for uri in uris:
            try:
                content = await self._files.read_file(uri, most_bytes=MOST_BYTES)
            except CannotAnswerError as error:
                raise _FailedError(NOT_FOUND, f"{uri} cannot be read: {error}.") from error
            lines += [line for line in content.split(b"\n") if line.strip()]
        if not lines or len(lines) > MOST_LINES:
            raise _FailedError(
                INVALID_ARGUMENT,
                f"A job has from 1 to {MOST_LINES} requests, and not {len(lines)}.",
            )
        return lines

    async def _write(self, job: SimulatedBatchJob, output: Sequence[bytes]) -> None:
        assert self._files is not None
        prefix = job.request["outputConfig"]["gcsDestination"]["outputUriPrefix"].rstrip("/")
        time = job.created.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        job.folder = f"{prefix}/prediction-model-{time}"
        try:
            await self._files.write_file(f"{job.folder}/predictions.jsonl", b"".join(output))
        except CannotAnswerError as error:
            raise _FailedError(
                PERMISSION_DENIED, f"{job.folder} cannot be written: {error}."
            ) from error


class _FailedError(Exception):
    """The job fails as a whole, with a ``google.rpc`` code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def resource(
    job: SimulatedBatchJob, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Any:
    """Return a job in the JSON form of the reference, with its state as a name."""
    fields: dict[str, Any] = {
        "name": job.name,
        **job.request,
        "state": job.state,
        "createTime": _time(job.created),
        "updateTime": _time(job.ended or clock()),
        "modelVersionId": "",
    }
    if job.state not in {QUEUED, PENDING}:
        fields["startTime"] = _time(job.created)
    if job.ended is not None:
        fields["endTime"] = _time(job.ended)
        fields["completionStats"] = {
            "successfulCount": str(job.answered),
            "failedCount": str(job.failed),
            "incompleteCount": str(job.missing),
        }
    if job.folder:
        fields["outputInfo"] = {"gcsOutputDirectory": job.folder}
    if job.error is not None:
        fields["error"] = job.error
    return fields


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
