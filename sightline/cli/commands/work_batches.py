"""``sightline work`` for engines without workers: statements or batch jobs call the models."""

from __future__ import annotations

import asyncio

from sightline.cli.output import print_json, progress_bar
from sightline.cli.views.batches import (
    batch_plan_json,
    batch_work_json,
    print_batch_plan,
    print_batch_work,
    remark_job,
)
from sightline.operations import batches as operations
from sightline.settings import Settings


def work_batches(settings: Settings, worker_id: str, *, as_json: bool) -> None:
    """Process all open runs of the engine, and show the outcome.

    Raises:
        BudgetError: the budget of a run is reached.
        TransientError: parts are refused repeatedly, or Google is unavailable.
        ConfigurationError: the job cannot be done as configured.
    """
    result = asyncio.run(
        operations.work_batches(
            settings, worker_id=worker_id, on_job_state=remark_job, progress=progress_bar
        )
    )
    print_json(batch_work_json(result)) if as_json else print_batch_work(result)
    if result.error:
        raise result.error


def plan_batches(settings: Settings, worker_id: str, *, as_json: bool) -> None:
    """Show what is to be processed, and what it may cost.

    Raises:
        TransientError: Google is unavailable.
        ConfigurationError: the job cannot be done as configured.
    """
    result = asyncio.run(operations.plan_batches(settings, worker_id=worker_id))
    print_json(batch_plan_json(result)) if as_json else print_batch_plan(result)
