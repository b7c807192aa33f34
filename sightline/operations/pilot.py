"""Runs a pilot: enqueues a sample, processes it in this process, and measures it in the ledgers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from producer.pilot import Stratum, draw_strata
from producer.publish import Producer
from sightline.errors import ConfigurationError
from sightline.operations.requests import TaskRequest
from sightline.operations.selection import check_asset_types
from sightline.ports import ClassificationRow, Engine, ResultRow
from sightline.settings import Settings
from sightline.wiring.engine import open_engine
from sightline.wiring.ids import new_run_id, utc_now
from worker.main import work


@dataclass(frozen=True, slots=True)
class Trial:
    """The measured sample of one asset type; ``rest`` counts the messages still to be done."""

    asset_type: str
    run_id: str
    messages: int
    written: int
    dead: int
    images: int
    usd_micros: int
    rest: int

    @property
    def usd_an_image(self) -> float:
        """The measured cost of an image in US dollars."""
        return self.usd_micros / max(1, self.images) / 1e6

    @property
    def rest_usd_micros(self) -> float:
        """The projected cost of the rest."""
        return self.usd_micros / max(1, self.messages) * self.rest


@dataclass(frozen=True, slots=True)
class SampleAnswer:
    """An answer of the sample, with its image."""

    gcs_uri: str
    task: str
    answer: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Pilot:
    """A processed sample; without ``trials`` there was nothing to do."""

    trials: Sequence[Trial]
    seconds: float
    answers: Sequence[SampleAnswer]
    dead_letters: Mapping[str, int]

    @property
    def usd_micros(self) -> int:
        """The cost of the sample."""
        return sum(trial.usd_micros for trial in self.trials)

    @property
    def rest_messages(self) -> int:
        """How many messages are still to be done."""
        return sum(trial.rest for trial in self.trials)

    @property
    def rest_usd_micros(self) -> float:
        """The projected cost of the rest, each type at its own measured cost."""
        return sum(trial.rest_usd_micros for trial in self.trials)

    @property
    def rest_hours(self) -> float:
        """How long one worker like this one would need for the rest."""
        messages = sum(trial.messages for trial in self.trials)
        return self.seconds / max(1, messages) * (self.rest_messages / 3600)


async def pilot(settings: Settings, task_request: TaskRequest, sample: int) -> Pilot:
    """Process a sample of a request, with one run per asset type.

    Raises:
        ConfigurationError: messages of other runs are queued, which would be processed as well.
    """
    async with open_engine(settings) as engine:
        await check_asset_types(engine, task_request.request.filter, of_source=True)
        await engine.consistency.begin()
        await _check_queue(engine)
        strata = await draw_strata(engine.source, task_request.request, sample)
        runs = {
            stratum.asset_type: await _publish(engine, task_request, stratum) for stratum in strata
        }
    if not strata:
        return Pilot((), 0.0, (), {})
    rows: list[ResultRow] = []
    summary = await work(settings, drain=True, keep=rows.extend)
    async with open_engine(settings) as engine:
        trials = [await _measure(engine, stratum, runs[stratum.asset_type]) for stratum in strata]
        dead_letters = Counter[str]()
        for run_id in runs.values():
            dead_letters.update(await engine.runs.dead_by_reason(run_id))
    return Pilot(trials, summary.seconds, _answers(rows), dead_letters)


async def _check_queue(engine: Engine) -> None:
    queued = await engine.backlog.backlog()
    if count := (queued.ready or 0) + (queued.leased or 0):
        raise ConfigurationError(
            f"{count:,} messages of other runs are queued, and a pilot would process them too;"
            " `sightline work --drain` first, or cancel their runs"
        )


async def _publish(engine: Engine, task_request: TaskRequest, stratum: Stratum) -> str:
    for task in task_request.tasks:
        await engine.runs.remember_task(task, now=utc_now())
    producer = Producer(engine.source, engine.publisher, now=utc_now, new_run_id=new_run_id)
    published = await producer.enqueue(stratum.request)
    if published is None:
        raise ConfigurationError(
            f"another producer took the messages for {stratum.asset_type}; run the pilot again"
        )
    return published.run_id


async def _measure(engine: Engine, stratum: Stratum, run_id: str) -> Trial:
    balance = await engine.runs.balance(run_id)
    spent = await engine.budgets.spent(run_id)
    return Trial(
        asset_type=stratum.asset_type,
        run_id=run_id,
        messages=stratum.sample,
        written=balance.written,
        dead=balance.dead,
        images=spent.images,
        usd_micros=spent.cost_usd_micros,
        rest=stratum.messages - stratum.sample,
    )


def _answers(rows: Sequence[ResultRow]) -> list[SampleAnswer]:
    answers = sorted(
        (row for row in rows if isinstance(row, ClassificationRow)), key=lambda row: row.part_key
    )
    return [
        SampleAnswer(row.observation.gcs_uri, row.part.task, json.loads(row.answer_json))
        for row in answers
    ]
