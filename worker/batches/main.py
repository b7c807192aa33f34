"""Composes a batch worker from the settings, and runs it until no part is left to ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sightline.errors import NotFoundError
from sightline.model import EmbeddingPart
from sightline.ports import Engine, PartBatch
from sightline.settings import Settings
from sightline.wiring.engine import engine_of_runs, open_engine
from sightline.wiring.ids import utc_now
from sightline.wiring.statements import open_part_batches
from sightline.work_lists import BY_BATCH_JOBS, MAX_OBSERVATIONS
from worker.batches.batch_worker import BatchWorker, BatchWorkSummary, EstimateOf, Step
from worker.batches.plan import BatchPlan, plan
from worker.budgets.wiring import estimates_of, run_budgets_of

if TYPE_CHECKING:
    from sightline.gcp.batch.jobs import BatchJob


async def run_batch_worker(
    settings: Settings,
    *,
    worker_id: str,
    on_step: Callable[[Step], None],
    on_job: Callable[[BatchJob], None] = lambda _: None,
) -> BatchWorkSummary:
    """Process all open runs with the settings' engine; raises as ``BatchWorker.work`` does."""
    async with (
        open_engine(settings) as engine,
        open_part_batches(
            settings, engine.runs, engine.ledgers, worker_id=worker_id, on_job=on_job
        ) as batches,
    ):
        work = BatchWorker(
            batches,
            run_budgets_of(engine, worker_id=worker_id, now=utc_now),
            _estimate_of(engine, settings),
            parts=_parts_a_pass(settings),
            on_step=on_step,
        )
        return await work.work()


async def plan_batch_work(settings: Settings, *, worker_id: str) -> Sequence[BatchPlan]:
    """Return what ``run_batch_worker`` would do; raises as ``plan`` does."""
    async with (
        open_engine(settings) as engine,
        open_part_batches(settings, engine.runs, engine.ledgers, worker_id=worker_id) as batches,
    ):
        run_budgets = run_budgets_of(engine, worker_id=worker_id, now=utc_now)
        estimate_of = _estimate_of(engine, settings)
        return await plan(batches, run_budgets, estimate_of, parts=_parts_a_pass(settings))


def _parts_a_pass(settings: Settings) -> int:
    if engine_of_runs(settings) == BY_BATCH_JOBS:
        return settings.batch.requests_a_job
    return settings.sql.parts_a_statement


def _estimate_of(engine: Engine, settings: Settings) -> EstimateOf:
    estimates = estimates_of(engine, settings)

    async def of(batch: PartBatch) -> int:
        if isinstance(batch.part, EmbeddingPart):
            return await estimates.of_embedding(batch.part)
        task = await engine.ledgers.task_version(batch.part.fingerprint)
        if task is None:
            raise NotFoundError(
                f"task {batch.part.task} is in no ledger; run `sightline enqueue` again"
            )
        return await estimates.of_answer(
            batch.part, task, MAX_OBSERVATIONS if batch.by_asset else 1
        )

    return of
