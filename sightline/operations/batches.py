"""Batch work on engines without workers: SQL statements or batch jobs call the models."""

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
    """The outcome of an engine's statements or jobs.

    ``error`` is what the caller raises after it has shown the rest: the run's budget is reached, or
    parts are refused repeatedly.
    """

    engine: str
    worker_id: str
    done: BatchWorkSummary
    error: SightlineError | None


@dataclass(frozen=True, slots=True)
class BatchWorkPlan:
    """What an engine without workers would process, and what it may cost, by batch."""

    batches: Sequence[BatchPlan]


async def work_batches(
    settings: Settings,
    *,
    worker_id: str,
    on_job_state: Callable[[BatchJob], None] = lambda _job: None,
    progress: Progress = no_progress,
) -> BatchWorkResult:
    """Process all open runs of the engine; ``on_job_state`` receives each new state of a job.

    Raises:
        TransientError: Google Cloud is unavailable.
        ConfigurationError: the job cannot run as configured.
        BusyError: another process works on the same parts.
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
    """Return what is to be processed, and what it may cost; no model is called.

    Raises:
        TransientError: Google Cloud is unavailable.
        ConfigurationError: the job cannot run as configured.
    """
    return BatchWorkPlan(await plan_batch_work(settings, worker_id=worker_id))


class _PartsProgress:
    """Counts settled parts, and those that the current job has answered so far."""

    def __init__(self, update: Update, on_job_state: Callable[[BatchJob], None]) -> None:
        self._update = update
        self._on_job_state = on_job_state
        self._settled, self._total = 0, 0
        self._states: dict[str, str] = {}

    def step(self, step: Step) -> None:
        self._settled, self._total = step.first_left - step.left, step.first_left
        self._update(self._settled, self._total)

    def job(self, job: BatchJob) -> None:
        """Reports each change of a job's state: a job may wait for hours before it runs."""
        if self._states.get(job.resource) != job.state:
            self._states[job.resource] = job.state
            self._on_job_state(job)
        if not job.ended:
            self._update(self._settled + job.done, self._total or None)
