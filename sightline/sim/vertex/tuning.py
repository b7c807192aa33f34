"""Simulates tuning jobs: ``projects.locations.tuningJobs``, according to Google's reference.

A job is pending, then running, then ended, by the clock; the content of its files decides its final
state. When it has succeeded, its endpoint answers (``tuned_answers``).
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
    """The duration and the behaviour of the next jobs; the control API sets it.

    If ``error`` is set, jobs fail with this message. ``refuse`` is the canonical status with which
    all calls are refused, if any. For the next ``lose_answers`` calls of ``create``, the job is
    created but the response is lost.
    """

    pending_s: float = 0.0
    running_s: float = 0.0
    error: str = ""
    refuse: str = ""
    lose_answers: int = 0


@dataclass(slots=True)
class SimulatedTuningJob:
    """One job; ``wrong`` is the reason if its files are invalid."""

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
    """All jobs by name, in the order of their creation."""

    def __init__(self, answerer: Answerer, now: Callable[[], float]) -> None:
        self.pace = TuningPace()
        self.jobs: dict[str, SimulatedTuningJob] = {}
        self._answerer = answerer
        self._now = now

    def create(
        self, place: str, request: Mapping[str, Any], examples: Sequence[TrainingLine], wrong: str
    ) -> SimulatedTuningJob:
        """Create a job, which starts immediately."""
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
        """Cancel a job that has not ended."""
        if self.state(job) in {PENDING, RUNNING}:
            job.cancelled_s = self._now()

    def state(self, job: SimulatedTuningJob) -> str:
        """Return the present state of a job."""
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
        """Return the model at an endpoint; ``None`` if there is none, or none yet."""
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
    """Return the counts; 64-bit integers are strings in JSON."""
    hyper = job.request["supervisedTuningSpec"].get("hyperParameters", {})
    epochs = int(hyper.get("epochCount") or DEFAULT_EPOCHS)
    tokens = sum(example.tokens for example in job.examples)
    return {
        "tuningDatasetExampleCount": str(len(job.examples)),
        "totalBillableTokenCount": str(tokens * epochs),
        "tuningStepCount": str(max(1, len(job.examples) * epochs // 8)),
    }
