"""Tuning jobs: ``projects.locations.tuningJobs`` as Google's reference describes it, for tests.

A job is pending, then running, then done, by the clock; what its files hold decides how it ends.
When it has succeeded, its endpoint answers (``tuned_answers``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sightline.sim.vertex.answers import Answerer
from sightline.sim.vertex.tuned_answers import TunedModel
from sightline.sim.vertex.tuning_files import TrainingLine

STATES = (
    "JOB_STATE_UNSPECIFIED", "JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING",
    "JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED",
)  # fmt: skip
"""In the order of their numbers."""
PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED = (STATES[n] for n in (2, 3, 4, 5, 7))
INVALID_ARGUMENT, WAS_CANCELLED = 3, 1
"""Codes of ``google.rpc.Status``."""
DEFAULT_EPOCHS = 3


@dataclass(slots=True)
class TuningPace:
    """How long a job takes, and how the next ones go; the control API sets it.

    ``error`` lets jobs fail with this message in the end. ``refuse`` is the canonical status that
    every call is refused with, if any. So many answers to ``create`` as ``lose_answers`` says are
    lost on their way, though the job is made.
    """

    pending_s: float = 0.0
    running_s: float = 0.0
    error: str = ""
    refuse: str = ""
    lose_answers: int = 0


@dataclass(slots=True)
class SimulatedTuningJob:
    """One job; ``wrong`` is why its files cannot be trained with, if so."""

    name: str
    request: Mapping[str, Any]
    examples: Sequence[TrainingLine]
    wrong: str
    created_s: float
    created_at: datetime
    number: int
    cancelled_s: float | None = None
    error: str = ""
    model: TunedModel | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """The project and the location."""
        return self.name.partition("/tuningJobs/")[0]

    @property
    def endpoint(self) -> str:
        """The name of the tuned model's endpoint."""
        return f"{self.place}/endpoints/{self.number + 1}"


class SimulatedTuningJobs:
    """All jobs, by name, in the order they were made."""

    def __init__(self, answerer: Answerer, now: Callable[[], float]) -> None:
        self.pace = TuningPace()
        self.jobs: dict[str, SimulatedTuningJob] = {}
        self._answerer = answerer
        self._now = now

    def create(
        self, place: str, request: Mapping[str, Any], examples: Sequence[TrainingLine], wrong: str
    ) -> SimulatedTuningJob:
        """Make a job, which begins at once."""
        number = 4_000_000_000_000_000_000 + 1_000 * len(self.jobs)
        job = SimulatedTuningJob(
            name=f"{place}/tuningJobs/{number}",
            request=request,
            examples=examples,
            wrong=wrong,
            created_s=self._now(),
            created_at=datetime.now(UTC),
            number=number,
            error=self.pace.error,
        )
        self.jobs[job.name] = job
        return job

    def cancel(self, job: SimulatedTuningJob) -> None:
        """Cancel a job that is not done."""
        if self.state(job) in {PENDING, RUNNING}:
            job.cancelled_s = self._now()

    def state(self, job: SimulatedTuningJob) -> str:
        """Return a job's state now."""
        if job.cancelled_s is not None:
            return CANCELLED
        age_s = self._now() - job.created_s
        if age_s < self.pace.pending_s:
            return PENDING
        if job.wrong:
            return FAILED
        if age_s < self.pace.pending_s + self.pace.running_s:
            return RUNNING
        return FAILED if job.error else SUCCEEDED

    def tuned(self, endpoint: str) -> TunedModel | None:
        """Return the model behind an endpoint; ``None`` where there is none, or not yet."""
        for job in self.jobs.values():
            if job.endpoint == endpoint and self.state(job) == SUCCEEDED:
                if job.model is None:
                    base = str(job.request["baseModel"]).rpartition("/")[2]
                    job.model = TunedModel(self._answerer, base, job.examples)
                return job.model
        return None

    def resource(self, job: SimulatedTuningJob) -> dict[str, Any]:
        """Return a job in the JSON form of the reference."""
        state = self.state(job)
        fields: dict[str, Any] = {
            "name": job.name,
            **job.request,
            "state": state,
            "createTime": _time(job.created_at),
            "updateTime": _time(job.created_at + timedelta(seconds=self._now() - job.created_s)),
        }
        if state != PENDING:
            fields["startTime"] = _time(job.created_at + timedelta(seconds=self.pace.pending_s))
        if state in {SUCCEEDED, FAILED, CANCELLED}:
            fields["endTime"] = fields["updateTime"]
        if state == FAILED:
            fields["error"] = {"code": INVALID_ARGUMENT, "message": job.wrong or job.error}
        if state == CANCELLED:
            fields["error"] = {"code": WAS_CANCELLED, "message": "The tuning job was cancelled."}
        if job.examples and state in {RUNNING, SUCCEEDED}:
            fields["tuningDataStats"] = {"supervisedTuningDataStats": _stats(job)}
        if state == SUCCEEDED:
            fields["tunedModel"] = {
                "model": f"{job.place}/models/{job.number + 2}@1",
                "endpoint": job.endpoint,
            }
        return fields


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _stats(job: SimulatedTuningJob) -> dict[str, Any]:
    """Return the counts; whole numbers of 64 bits are texts in JSON."""
    hyper = job.request["supervisedTuningSpec"].get("hyperParameters", {})
    epochs = int(hyper.get("epochCount") or DEFAULT_EPOCHS)
    tokens = sum(example.tokens for example in job.examples)
    return {
        "tuningDatasetExampleCount": str(len(job.examples)),
        "totalBillableTokenCount": str(tokens * epochs),
        "tuningStepCount": str(max(1, len(job.examples) * epochs // 8)),
    }
