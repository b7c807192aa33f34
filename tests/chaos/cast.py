"""One process of a round: the worker or the producer that the command line runs, composed alike.

The ports are those of ``open_engine`` and ``open_models``; a fate is put in between, and the clock
of the round in the place of the machine's. Nothing of the program knows of it.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from producer.publish import Producer
from producer.request import build_request, choose_tasks
from producer.run_budget_editor import RunBudgetEditor
from sightline.cli.views.work import work_json
from sightline.errors import SightlineError
from sightline.model import Filter
from sightline.ports import Engine, Limits
from sightline.settings import Settings, load_settings
from sightline.wiring.engine import open_engine
from sightline.wiring.ids import new_id, new_run_id
from sightline.wiring.models import ModelSet, open_models
from sightline.wiring.tasks import known_tasks
from tests.chaos.clock import Clock
from tests.chaos.plan import ProducerPlan, WorkerPlan
from tests.chaos.taps import Diary, Fate, Tapped
from worker.main import work_with
from worker.stopping.signals import StopRequest, stopped_by_signals

UNEXPECTED = 99
"""The exit status of a process that ended with an error that is none of ours."""

STALL_S = 0.5
"""A loop that was not run for so long has stalled: the machine was busy, or it was stopped."""

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Casting:
    """What a process is to be; ``number`` counts the workers of a round."""

    role: Literal["work", "produce"]
    environment: Mapping[str, str]
    clock: Path
    diary: Path
    errors: Path
    number: int = 0
    worker: WorkerPlan = field(default_factory=WorkerPlan)
    producer: ProducerPlan = field(default_factory=ProducerPlan)
    drain: bool = False
    limits: Limits = field(default_factory=Limits)


def play(casting: Casting) -> int:
    """Be this process to its end; return its exit status."""
    diary = Diary(casting.diary)
    settings = load_settings(environment=casting.environment)
    try:
        asyncio.run(_PLAYS[casting.role](casting, settings, diary))
    except SightlineError as error:
        diary.note("error", kind=type(error).__name__, said=str(error), number=casting.number)
        return error.exit_code
    except BaseException:  # noqa: BLE001 - the process ends here, and says why
        diary.note("error", kind="unexpected", said=traceback.format_exc(), number=casting.number)
        return UNEXPECTED
    return 0


@asynccontextmanager
async def _signals(stopping: StopRequest) -> AsyncIterator[None]:
    with stopped_by_signals(stopping):
        yield


async def _work(casting: Casting, settings: Settings, diary: Diary) -> None:
    stopping = StopRequest()
    own = casting.worker
    clock = Clock(casting.clock)
    fate = Fate(diary, own.death, own.refused)
    async with (
        _signals(stopping),
        open_engine(settings, now=clock.now) as engine,
        open_models(settings) as models,
        _stalls_noted(diary),
    ):
        summary = await work_with(
            _tapped(engine, fate),
            ModelSet(
                _as_it_is(Tapped(models.classify, "model", fate)),
                _as_it_is(Tapped(models.embed, "model", fate)),
            ),
            stopping,
            drain=casting.drain,
            now=clock.skewed(own.skew_s, after_s=own.skewed_at_s),
        )
    diary.note("summary", number=casting.number, **work_json(summary))
    if summary.over_budget:
        raise summary.over_budget


async def _produce(casting: Casting, settings: Settings, diary: Diary) -> None:
    clock = Clock(casting.clock)
    fate = Fate(diary, casting.producer.death)
    async with open_engine(settings, now=clock.now) as opened:
        await opened.consistency.begin()
        engine = _tapped(opened, fate)
        budget_editor = RunBudgetEditor(engine.budgets, now=clock.now, new_id=new_id)
        producer = Producer(
            engine.source,
            engine.publisher,
            now=clock.now,
            new_run_id=new_run_id,
            before_open=lambda run_id: budget_editor.open(run_id, casting.limits),
        )
        runs = await engine.runs.runs()
        for run in runs:
            if run.state == "open":
                await producer.publish(run, resumed=True)
        if not runs:
            tasks = choose_tasks(known_tasks(settings), ["road_signs"], settings.models)
            for task in tasks:
                await engine.runs.remember_task(task, now=clock.now())
            request = build_request(Filter(), tasks, settings.models, embed=True, command="chaos")
            await producer.enqueue(request)


_PLAYS = {"work": _work, "produce": _produce}


def _tapped(engine: Engine, fate: Fate) -> Engine:
    names = ("source", "publisher", "subscription", "results", "budgets")
    tapped: dict[str, Any] = {name: Tapped(getattr(engine, name), name, fate) for name in names}
    return replace(engine, **tapped)


def _as_it_is(port: object) -> Any:
    """Return a tapped port, whose methods are those of the port that it stands before."""
    return port


@asynccontextmanager
async def _stalls_noted(diary: Diary) -> AsyncIterator[None]:
    """Note each time that the loop was not run for long: leases may have run out meanwhile."""

    async def look() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before_s = loop.time()
            await asyncio.sleep(_LOOK_S)
            if (late_s := loop.time() - before_s - _LOOK_S) > STALL_S:
                diary.note("stall", for_s=late_s)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])
