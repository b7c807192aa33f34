"""The work of engines without workers: statements or batch jobs ask the models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sightline.errors import SightlineError
from sightline.gcp.batch.jobs import BatchJob
from sightline.progress import Progress, Update, no_progress
from sightline.settings import Settings
from sightline.wiring.engine import engine_of_runs
from worker.batches.batch_worker import BatchWorkSummary, Step, over_budget, refused_for_now
from worker.batches.main import plan_batch_work, run_batch_worker
from worker.batches.plan import BatchPlan


@dataclass(frozen=True, slots=True)
class BatchWorkResult:
    """What the statements or jobs of an engine brought.

    ``error`` is what a face raises once it has shown the rest: the budget of a run is reached, or
    parts are refused again and again.
    """

    engine: str
    worker_id: str
    done: BatchWorkSummary
    error: SightlineError | None


@dataclass(frozen=True, slots=True)
class BatchWorkPlan:
    """What the work of an engine without workers would do, and what it may cost, by batch."""

    batches: Sequence[BatchPlan]


async def work_batches(
    settings: Settings,
    *,
    worker_id: str,
    on_job_state: Callable[[BatchJob], None] = lambda _job: None,
    progress: Progress = no_progress,
) -> BatchWorkResult:
    """Work off all open runs of the engine; ``on_job_state`` is told of each new state of a job.

    Raises:
        TransientError: Google is out of reach.
        ConfigurationError: the job cannot be done as configured.
        BusyError: another process works on the same.
    """
    engine = engine_of_runs(settings)
    with progress("parts", None) as update:
        parts = _PartsProgress(update, on_job_state)
        done = await run_batch_worker(
            settings, worker_id=worker_id, on_step=parts.step, on_job=parts.job
        )
    error = over_budget(done) or refused_for_now(done, engine)
    return BatchWorkResult(engine, worker_id, done, error)


async def plan_batches(settings: Settings, *, worker_id: str) -> BatchWorkPlan:
    """Return what is to be done, and what it may cost; nothing is asked.

    Raises:
        TransientError: Google is out of reach.
        ConfigurationError: the job cannot be done as configured.
    """
    return BatchWorkPlan(await plan_batch_work(settings, worker_id=worker_id))


class _PartsProgress:
    """The parts that are settled, and with them those that a job has answered so far."""

    def __init__(self, update: Update, on_job_state: Callable[[BatchJob], None]) -> None:
        self._update = update
        self._on_job_state = on_job_state
        self._settled, self._total = 0, 0
        self._states: dict[str, str] = {}

    def step(self, step: Step) -> None:
        self._settled, self._total = step.first_left - step.left, step.first_left
        self._update(self._settled, self._total)

    def job(self, job: BatchJob) -> None:
        """Tell when a job comes into another state: it may wait for hours before it runs."""
        if self._states.get(job.resource) != job.state:
            self._states[job.resource] = job.state
            self._on_job_state(job)
        if not job.ended:
            self._update(self._settled + job.done, self._total or None)
