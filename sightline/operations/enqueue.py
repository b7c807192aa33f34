"""Publishes what is not done yet as a run for workers, or reports what a run would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from producer.publish import Producer
from producer.run_budget_editor import RunBudgetEditor
from sightline.model import Preview
from sightline.operations.requests import TaskRequest
from sightline.operations.selection import (
    Emptied,
    check_asset_types,
    types_in_source,
    why_no_observations,
)
from sightline.operations.unmatched import Unmatched, unmatched
from sightline.ports import Engine, Limits, Warehouse
from sightline.prices import answer_usage
from sightline.progress import Progress, no_progress
from sightline.settings import Settings
from sightline.wiring.ids import new_id, new_run_id, utc_now
from sightline.wiring.prices import run_pricing


@dataclass(frozen=True, slots=True)
class EnqueuedRun:
    """A published run; without ``run_id``, nothing was left to do.

    ``engine`` processes it; if empty, workers do. ``interrupted_runs`` are other runs whose
    publishing ended early. ``nothing_to_do`` counts the parts when there is no run. ``unmatched``
    are the observations that match no task.
    """

    run_id: str | None
    messages: int
    parts: int
    engine: str
    interrupted_runs: Sequence[str]
    nothing_to_do: Preview | None
    unmatched: Unmatched | None = None
    emptied: Emptied | None = None

    @property
    def leaves_out(self) -> Unmatched | None:
        """The observations that match no task, unless every requested part was requested before."""
        left = self.nothing_to_do
        return None if left is not None and left.matched else self.unmatched


@dataclass(frozen=True, slots=True)
class PreviewedRun:
    """What a run would do. ``unmatched`` are the observations that match no task."""

    preview: Preview
    unmatched: Unmatched | None = None
    emptied: Emptied | None = None

    @property
    def leaves_out(self) -> Unmatched | None:
        """The observations that match no task, unless every requested part was requested before."""
        is_done = self.preview.matched and not self.preview.to_publish
        return None if is_done else self.unmatched


@dataclass(frozen=True, slots=True)
class Overrun:
    """How far the workers of a run may exceed its budget.

    A worker has at most ``calls`` in flight; ``answer_usd_micros`` is the cost of the most
    expensive answer about one image. Both are ``None`` if the budget is reserved before each call,
    so that it is never exceeded.
    """

    limits: Limits
    calls: int | None = None
    answer_usd_micros: int | None = None


async def enqueue(
    engine: Engine,
    task_request: TaskRequest,
    *,
    limits: Limits | None = None,
    progress: Progress = no_progress,
) -> EnqueuedRun:
    """Write and publish a work list of the parts without a result, within ``limits``.

    Raises:
        NotFoundError: the filter names an asset type that does not exist.
        ConfigurationError: a subject has more requested parts than a work list can hold.
        BusyError: another producer is publishing.
        StorageError: queue and warehouse do not belong together.
    """
    request = task_request.request
    await check_asset_types(engine, request.filter, of_source=True)
    await engine.consistency.begin()
    budget_editor = RunBudgetEditor(engine.budgets, now=utc_now, new_id=new_id)
    for task in task_request.tasks:
        await engine.runs.remember_task(task, now=utc_now())
    with progress("publishing", None) as update:
        producer = Producer(
            engine.source,
            engine.publisher,
            now=utc_now,
            new_run_id=new_run_id,
            on_progress=update,
            before_open=lambda run_id: budget_editor.open(run_id, limits or Limits()),
        )
        published = await producer.enqueue(request)
    open_runs = [run.run_id for run in await engine.runs.runs() if run.state == "open"]
    published_now = await engine.source.published_now(open_runs)
    nothing_to_do = None if published else await engine.source.preview(request)
    if nothing_to_do is None:
        types = await types_in_source(engine, request.filter)
    else:
        types = nothing_to_do.by_asset_type
    return EnqueuedRun(
        run_id=published.run_id if published else None,
        messages=published.messages if published else 0,
        parts=published.parts if published else 0,
        engine=request.engine,
        interrupted_runs=[run_id for run_id in open_runs if run_id not in published_now],
        nothing_to_do=nothing_to_do,
        unmatched=unmatched(engine.settings, task_request, types),
        emptied=None if types else await why_no_observations(engine, request.filter),
    )


async def preview(warehouse: Warehouse, task_request: TaskRequest) -> PreviewedRun:
    """Return what a run would do; nothing is written.

    Raises:
        NotFoundError: the filter names an asset type that does not exist.
    """
    await check_asset_types(warehouse, task_request.request.filter, of_source=True)
    counts = await warehouse.source.preview(task_request.request)
    return await with_what_is_left_out(warehouse, task_request, counts)


async def with_what_is_left_out(
    warehouse: Warehouse, task_request: TaskRequest, counts: Preview
) -> PreviewedRun:
    """Return what a run would do, and what it would leave out."""
    which = task_request.request.filter
    return PreviewedRun(
        counts,
        unmatched(warehouse.settings, task_request, counts.by_asset_type),
        None if counts.observations else await why_no_observations(warehouse, which),
    )


def overrun_of(settings: Settings, task_request: TaskRequest, limits: Limits) -> Overrun:
    """Return how far a run may exceed its budget.

    Raises:
        ConfigurationError: a price file is invalid.
    """
    if settings.adapter("queue") == "work_list":
        return Overrun(limits)
    prices = run_pricing(settings)
    costs = [
        answer_usage(
            task,
            prices.price_of(task.model),
            images=1,
            output_tokens=task.max_output_tokens,
            location=prices.answers_at,
        ).cost_usd_micros
        for task in task_request.tasks
    ]
    calls = settings.classify_limit.in_flight + settings.embed_limit.in_flight
    return Overrun(limits, calls, max(costs, default=0))
