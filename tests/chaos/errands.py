"""What a person does at a home, each a function that is called where the home's disk is."""

from __future__ import annotations

import asyncio
import csv
import os
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from producer.publish import Producer
from producer.run_budget_editor import RunBudgetEditor
from sightline.errors import StorageError
from sightline.local.importing import import_table
from sightline.operations.setup import setup
from sightline.ports import DeadLetterFilter, Engine, Limits
from sightline.settings import Settings, load_settings
from sightline.wiring.engine import open_engine
from sightline.wiring.ids import new_id, new_run_id, utc_now
from sightline.wiring.paths import source_path, warehouse_path
from tests.chaos.clock import Clock
from tests.chaos.evidence import Ledgers, Row
from tests.chaos.models import ANSWER, EMBEDDING
from tests.chaos.plan import Restored

Environment = Mapping[str, str]
Result = TypeVar("Result")

LITTER_AGE_S = 7200
"""Older than what compaction takes for a killed writer's."""


def prepare(home: Path, environment: Environment, count: int) -> None:
    """Make a home with so many observations, whose images nobody will open."""
    home.mkdir(parents=True)
    settings = load_settings(environment=environment)
    table = home / "observations.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["observation_id", "asset_id", "snapshot_id", "asset_type",
                       "latitude", "longitude", "capture_time", "gcs_uri"])  # fmt: skip
        for n in range(count):
            name = f"o{n:06}"
            kind, when = "ASSET_CLASS_ROAD_SIGN", "2026-05-01T08:00:00Z"
            place = (52.0 + n * 1e-5, 5.1)
            rows.writerow([name, f"a{n // 2:06}", "s1", kind, *place, when, image_of(name)])
    import_table(table, source=source_path(settings), now=utc_now())
    table.unlink()


def image_of(observation_id: str) -> str:
    """Return the URI of an observation's image, of which each has its own."""
    return f"gs://bucket/s1/v0/{observation_id}.jpg"


def remove(home: Path) -> None:
    """Give back the place that a home took."""
    shutil.rmtree(home)


def set_up(environment: Environment) -> None:
    """Make the topic and the subscriptions that are missing."""
    settings = load_settings(environment=environment)
    asyncio.run(setup(settings))


def forget_queue(home: Path) -> None:
    """Lose the local queue."""
    for path in home.glob("queue.db*"):
        path.unlink()


def copy_half(home: Path, copy: Path, what: Restored) -> None:
    """Copy the queue or the warehouse, beside whoever is at work."""
    copy.mkdir(parents=True)
    if what is Restored.QUEUE:
        with (
            closing(sqlite3.connect(home / "queue.db")) as queue,
            closing(sqlite3.connect(copy / "queue.db")) as target,
        ):
            queue.backup(target)
    elif what is Restored.WAREHOUSE:
        shutil.copytree(
            home / "warehouse", copy / "warehouse", ignore=shutil.ignore_patterns("*.tmp", ".*")
        )


def put_back(home: Path, copy: Path, what: Restored, environment: Environment, clock: Path) -> bool:
    """Put a copy back, or lose what is to be lost; go on as a person would.

    Return whether it was refused to go on before that.
    """
    if what is Restored.QUEUE:
        forget_queue(home)
        shutil.copy(copy / "queue.db", home / "queue.db")
    elif what is Restored.WAREHOUSE:
        shutil.rmtree(home / "warehouse")
        shutil.copytree(copy / "warehouse", home / "warehouse")
    else:
        _lose_manifests(environment, clock)

    async def work(engine: Engine) -> bool:
        try:
            await engine.consistency.begin()
        except StorageError:
            await engine.upkeep.repair(now=Clock(clock).now())
            await engine.consistency.accept()
            await engine.consistency.begin()
            return True
        return False

    refused = _with_engine(environment, clock, work)
    if what is not Restored.MANIFESTS:  # the queue lacks nothing then
        reconcile(environment, clock)
    return refused


def _lose_manifests(environment: Environment, clock: Path) -> None:
    """Compact, clear what was replaced, and lose every manifest."""
    now = Clock(clock).now()

    async def work(engine: Engine) -> None:
        for turn in range(2):
            later = now + turn * timedelta(minutes=11)
            await engine.upkeep.compact(now=later, everything=True)

    _with_engine(environment, clock, work)
    for path in warehouse_path(load_settings(environment=environment)).glob("*/manifest.json"):
        path.unlink()


def reconcile(environment: Environment, clock: Path) -> int:
    """Publish again what the run has lost, if there is one; return how many messages."""

    async def work(engine: Engine) -> int:
        await engine.consistency.begin()
        runs = await engine.runs.runs()
        now = Clock(clock).now
        producer = Producer(engine.source, engine.publisher, now=now, new_run_id=new_run_id)
        return sum([await producer.reconcile(run.run_id, engine.runs) for run in runs])

    return _with_engine(environment, clock, work)


def lift_budget(environment: Environment, clock: Path) -> None:
    """Give back what dead workers hold, allow as much as is wanted, and let nothing wait."""

    async def work(engine: Engine) -> None:
        budget_editor = RunBudgetEditor(engine.budgets, now=Clock(clock).now, new_id=new_id)
        for run in await engine.runs.runs():
            await budget_editor.release(run.run_id)
            await budget_editor.change(run.run_id, Limits(10**12, 10**9))
            await engine.backlog.make_due(run.run_id)

    _with_engine(environment, clock, work)


def look(home: Path, environment: Environment, clock: Path) -> Ledgers:
    """Return what the ledgers say of the one run there is."""
    settings = load_settings(environment=environment)

    async def work(engine: Engine) -> Ledgers:
        (run,) = await engine.runs.runs()
        views = {}
        for view in ("classifications_all", "embeddings_all"):
            select = f"SELECT count(*), count(DISTINCT part_key) FROM {view}"
            _, ((rows, keys),) = await engine.upkeep.query(select)
            views[view] = (int(rows), int(keys))
        return Ledgers(
            balance=await engine.runs.balance(run.run_id),
            views=views,
            rows=list(_rows(settings)),
            dead=[letter async for letter in engine.dead_letters.list(DeadLetterFilter())],
            spent=await engine.budgets.spent(run.run_id),
            files=(),
        )

    ledgers = _with_engine(environment, clock, work)
    files = sorted(
        path.relative_to(home).as_posix() + ("/" if path.is_dir() else "")
        for path in home.rglob("*")
        if not path.is_dir() or path.name.startswith(".")
    )
    return Ledgers(ledgers.balance, ledgers.views, ledgers.rows, ledgers.dead, ledgers.spent, files)


def compact(environment: Environment, clock: Path) -> None:
    """Compact everything, hours later."""
    settings = load_settings(environment=environment)
    for path in warehouse_path(settings).rglob("*.tmp"):
        old_s = time.time() - LITTER_AGE_S
        os.utime(path, (old_s, old_s))

    async def work(engine: Engine) -> None:
        await engine.upkeep.compact(now=Clock(clock).now(), everything=True)

    _with_engine(environment, clock, work)


def _with_engine(
    environment: Environment, clock: Path, work: Callable[[Engine], Awaitable[Result]]
) -> Result:
    settings = load_settings(environment=environment)

    async def run() -> Result:
        async with open_engine(settings, now=Clock(clock).now) as engine:
            return await work(engine)

    return asyncio.run(run())


_COLUMNS = ["part_key", "gcs_uri", "worker_id", "attempt", "written_at", "cost_usd_micros"]


def _rows(settings: Settings) -> Iterator[Row]:
    """Yield the rows of the raw files, with the moment at which each file was complete."""
    real_at_zero_s = time.time() - time.monotonic()
    folders = {ANSWER: "classifications", EMBEDDING: "embeddings_*"}
    for method, folder in folders.items():
        for path in warehouse_path(settings).glob(f"{folder}/**/*.parquet"):
            durable_s = path.stat().st_ctime - real_at_zero_s
            for row in pq.ParquetFile(path).read(columns=_COLUMNS).to_pylist():
                written_at: datetime = row["written_at"]
                yield Row(
                    (method, row["gcs_uri"]), row["part_key"], row["worker_id"], row["attempt"],
                    written_at, row["cost_usd_micros"], durable_s,
                )  # fmt: skip
