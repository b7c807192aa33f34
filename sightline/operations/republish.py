"""Publishes a run's messages again: after an interruption, a loss or a restore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from producer.publish import Producer, Published
from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import Run
from sightline.ports import Engine
from sightline.progress import Progress, no_progress
from sightline.settings import Settings
from sightline.wiring.engine import engine_of_runs
from sightline.wiring.ids import new_run_id, utc_now
from sightline.work_lists import engine_of, is_by_workers


@dataclass(frozen=True, slots=True)
class ResumedRuns:
    """The runs whose publishing was continued, and how many messages of each were published."""

    runs: Sequence[Published]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many messages of a run were lost and published again."""

    run_id: str
    messages: int


@dataclass(frozen=True, slots=True)
class Recheck:
    """How many queued messages are looked up in the ledgers before a model is called for them."""

    messages: int


async def resume(
    engine: Engine, run_id: str | None = None, *, progress: Progress = no_progress
) -> ResumedRuns:
    """Continue a run whose publishing ended early; without an ID, all such runs.

    Raises:
        NotFoundError: there is no such run.
        ConfigurationError: it is cancelled, or another engine processes it.
        BusyError: another producer is publishing it.
    """
    await engine.consistency.begin()
    runs = [run for run in await engine.runs.runs() if run_id in {None, run.run_id}]
    if not runs and run_id is not None:
        raise NotFoundError(f"no run {run_id}; `sightline status` lists them")
    if run_id is not None and runs[0].state == "cancelled":
        raise ConfigurationError(
            f"run {run_id} was cancelled; `sightline enqueue` requests its parts again"
        )
    published = []
    for run in runs:
        if run.state != "open" or (run_id is None and not _is_of_engine(engine.settings, run)):
            continue
        _check_engine(engine.settings, run)
        with progress(f"publishing {run.run_id}", None) as update:
            producer = Producer(
                engine.source,
                engine.publisher,
                now=utc_now,
                new_run_id=new_run_id,
                on_progress=update,
            )
            published.append(await producer.publish(run, resumed=True))
    return ResumedRuns(published)


async def reconcile(engine: Engine, run_id: str) -> Reconciliation:
    """Publish the lost parts of a run again.

    Raises:
        NotFoundError: there is no such run.
        ConfigurationError: another engine processes it.
        BusyError: another producer is publishing it.
    """
    await engine.consistency.begin()
    for run in await engine.runs.runs():
        if run.run_id == run_id:
            _check_engine(engine.settings, run)
    producer = Producer(engine.source, engine.publisher, now=utc_now, new_run_id=new_run_id)
    return Reconciliation(run_id, await producer.reconcile(run_id, engine.runs))


async def recheck(engine: Engine) -> Recheck:
    """After a restore: let workers look up every queued message before they call a model for it."""
    return Recheck(await engine.consistency.accept())


def _is_of_engine(settings: Settings, run: Run) -> bool:
    return engine_of(run.request_json) == engine_of_runs(settings)


def _check_engine(settings: Settings, run: Run) -> None:
    if _is_of_engine(settings, run):
        return
    if is_by_workers(run.request_json):
        raise ConfigurationError(f"run {run.run_id} has messages for workers; omit --engine")
    raise ConfigurationError(
        f"run {run.run_id} has no messages;"
        f" `sightline work --engine {engine_of(run.request_json)}` continues it"
    )
