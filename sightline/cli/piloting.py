"""A pilot: its runs are enqueued, worked off in this process, and measured in the ledgers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigurationError
from sightline.ports import ClassificationRow, ResultRow

if TYPE_CHECKING:
    from producer.pilot import Stratum
    from sightline.cli.asking import Asked
    from sightline.settings import Settings
    from sightline.wiring import Engine


@dataclass(frozen=True, slots=True)
class Tried:
    """What a pilot found of one asset type; ``rest`` are the messages still to be done."""

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
        """What the rest would cost."""
        return self.usd_micros / max(1, self.messages) * self.rest


@dataclass(frozen=True, slots=True)
class Piloted:
    """What a pilot found."""

    strata: tuple[Tried, ...] = ()
    seconds: float = 0.0
    answers: tuple[str, ...] = ()
    dead_letters: dict[str, int] = field(default_factory=dict)

    @property
    def usd_micros(self) -> int:
        """What the sample cost."""
        return sum(one.usd_micros for one in self.strata)

    @property
    def rest_messages(self) -> int:
        """How many messages are still to be done."""
        return sum(one.rest for one in self.strata)

    @property
    def rest_usd_micros(self) -> float:
        """What they would cost, each type at its own measured cost."""
        return sum(one.rest_usd_micros for one in self.strata)

    @property
    def rest_hours(self) -> float:
        """How long one worker such as this would take for them."""
        return (
            self.seconds
            / max(1, sum(one.messages for one in self.strata))
            * (self.rest_messages / 3600)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what was found as plain values."""
        return {
            "strata": [{**asdict(one), "usd_an_image": one.usd_an_image} for one in self.strata],
            "seconds": self.seconds,
            "answers": list(self.answers),
            "dead_letters": self.dead_letters,
            "cost_usd": self.usd_micros / 1e6,
            "rest_messages": self.rest_messages,
            "rest_usd": self.rest_usd_micros / 1e6,
            "rest_hours": self.rest_hours,
        }


async def run_pilot(settings: Settings, asked: Asked, sample: int) -> Piloted:
    """Do a sample of what is asked, one run for each asset type.

    Raises:
        ConfigurationError: messages of other runs are queued, which would be worked off as well.
    """
    from producer.pilot import draw_strata
    from sightline.wiring import open_engine
    from worker.main import work

    async with open_engine(settings) as engine:
        await engine.consistency.begin()
        await _check_queue(engine)
        strata = await draw_strata(engine.source, asked.request, sample)
        runs = {one.asset_type: await _publish(engine, asked, one) for one in strata}
    if not strata:
        return Piloted()
    rows: list[ResultRow] = []
    summary = await work(settings, drain=True, keep=rows.extend)
    async with open_engine(settings) as engine:
        tried = [await _measure(engine, one, runs[one.asset_type]) for one in strata]
        dead: dict[str, int] = {}
        for run_id in runs.values():
            for reason, count in (await engine.runs.dead_by_reason(run_id)).items():
                dead[reason] = dead.get(reason, 0) + count
    return Piloted(tuple(tried), summary.seconds, tuple(_answers(rows)), dead)


async def _check_queue(engine: Engine) -> None:
    queued = await engine.backlog.backlog()
    if count := (queued.ready or 0) + (queued.leased or 0):
        raise ConfigurationError(
            f"{count:,} messages of other runs are queued, and a pilot would work them off too;"
            " `sightline work --drain` first, or cancel their runs"
        )


async def _publish(engine: Engine, asked: Asked, stratum: Stratum) -> str:
    from producer.publish import Producer
    from sightline.wiring import new_run_id, utc_now

    for task in asked.tasks:
        await engine.runs.remember_task(task, now=utc_now())
    producer = Producer(engine.source, engine.publisher, now=utc_now, new_run_id=new_run_id)
    published = await producer.enqueue(stratum.request)
    if published is None:
        raise ConfigurationError(
            f"another producer took what was to do of {stratum.asset_type}; run the pilot again"
        )
    return published.run_id


async def _measure(engine: Engine, stratum: Stratum, run_id: str) -> Tried:
    balance = await engine.runs.balance(run_id)
    spent = await engine.budgets.spent(run_id)
    return Tried(
        asset_type=stratum.asset_type.removeprefix("ASSET_CLASS_").lower(),
        run_id=run_id,
        messages=stratum.sample,
        written=balance.written,
        dead=balance.dead,
        images=spent.images,
        usd_micros=spent.cost_usd_micros,
        rest=stratum.messages - stratum.sample,
    )


def _answers(rows: Sequence[ResultRow]) -> list[str]:
    from sightline.cli.output import answer_text

    return [
        f"{row.observation.gcs_uri.rsplit('/', 1)[-1]}  {row.part.task}: "
        + (answer_text(json.loads(row.answer_json)) or "nothing is known")
        for row in sorted(
            (one for one in rows if isinstance(one, ClassificationRow)),
            key=lambda one: one.part_key,
        )
    ]
