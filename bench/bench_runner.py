"""The runner's overhead: no-op models on the local queue and warehouse, one process.

Limiters, leaser, retries, budgets and the durable writer are on, and a worker's numbers are read
over HTTP each second, as Prometheus does. Side by side with a minimal loop that pulls and acks the
same messages and does nothing else, and with the tutorials' loop: one message at a time, one row
written for each.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

from bench.figures import Figure, report
from bench.pace import Pace, drain
from sightline.local.noop import NoopClassifier, NoopEmbedder
from sightline.model import AnswerPart, EmbeddingPart, Observation
from sightline.ports import Engine, Outgoing
from sightline.settings import (
    LimitSettings,
    ModelSettings,
    Settings,
    TelemetrySettings,
    WorkerSettings,
)
from sightline.tasks import load_tasks, shipped_directory
from sightline.wire import Message, attributes, encode
from sightline.wiring.engine import open_engine
from sightline.wiring.ids import new_worker_id, utc_now
from sightline.wiring.models import ModelSet
from worker.main import build_worker
from worker.telemetry.opening import Telemetry, open_telemetry
from worker.worker_status import WorkerStatus

MESSAGES = 60_000
TURNS = 3
"""With telemetry and without, in turns: the middle of each counts."""
FEW = 10_000
MANY = 500_000
DIMENSION = 256
READ_EACH_SECOND = """
import sys, time, urllib.request
while True:
    time.sleep(1)
    urllib.request.urlopen(sys.argv[1], timeout=5).read()
"""
"""What Prometheus does, which asks every 15 seconds or so."""


def _settings(home: Path) -> Settings:
    return Settings(
        home=home,
        models=ModelSettings("noop", "noop", DIMENSION),
        classify_limit=LimitSettings(in_flight=64),
        embed_limit=LimitSettings(in_flight=64),
        worker=WorkerSettings(drain_idle_s=0.0, idle_poll_s=0.01),
    )


def _messages(count: int) -> Iterator[Outgoing]:
    task = load_tasks((shipped_directory(),))["road_signs"].resolve("noop")
    parts = (
        AnswerPart(task.name, task.fingerprint, task.model),
        EmbeddingPart("noop", DIMENSION),
    )
    for number in range(count):
        name = f"o{number:08}"
        uri = f"gs://bucket/s1/v0/{name}.jpg"
        observation = Observation(
            name, f"a{number}", "s1", "ASSET_CLASS_ROAD_SIGN", uri, 52.1, 5.1, utc_now()
        )
        message = Message("run", name, (observation,), parts)
        yield Outgoing(encode(message), attributes(message))


@asynccontextmanager
async def _filled(count: int) -> AsyncIterator[tuple[Engine, Settings]]:
    with tempfile.TemporaryDirectory() as directory:
        settings = _settings(Path(directory))
        async with open_engine(settings) as engine:
            task = load_tasks((shipped_directory(),))["road_signs"].resolve("noop")
            await engine.runs.remember_task(task, now=utc_now())
            batch: list[Outgoing] = []
            for index, message in enumerate(_messages(count), 1):
                batch.append(message)
                if len(batch) == 1000 or index == count:
                    await engine.publisher.publish(batch, batch_key=str(index))
                    batch = []
            yield engine, settings


async def _ours(count: int, *, measured: bool = False) -> Pace:
    """Let one worker settle so many messages, with its numbers served and read if ``measured``."""
    async with _filled(count) as (engine, settings):
        models = ModelSet(NoopClassifier(), NoopEmbedder(dimension=DIMENSION))
        worker_id = new_worker_id()
        if not measured:
            return await drain(build_worker(engine, models, settings, worker_id=worker_id), count)
        served = replace(settings, telemetry=TelemetrySettings(prometheus_port=0))
        with open_telemetry(served, worker_id=worker_id) as telemetry:
            worker = build_worker(
                engine, models, served, worker_id=worker_id, meters=telemetry.meters
            )
            beside = asyncio.create_task(_watch(telemetry, worker.status, engine))
            pace = await drain(worker, count)
            beside.cancel()
            await asyncio.wait([beside])
        return pace


async def _watch(telemetry: Telemetry, status: WorkerStatus, engine: Engine) -> None:
    """Look at the worker, while another process reads all of its numbers each second."""
    assert telemetry.prometheus_url
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READ_EACH_SECOND, telemetry.prometheus_url
    )
    try:
        await telemetry.watch(status, engine)
    finally:
        reader.kill()
        await reader.wait()


async def _bare(count: int) -> float:
    async with _filled(count) as (engine, _):
        started_s = time.perf_counter()
        while deliveries := await engine.subscription.pull(256, lease_s=30):
            await engine.subscription.ack([delivery.lease_id for delivery in deliveries])
        return count / (time.perf_counter() - started_s)


async def _one_by_one(count: int) -> float:
    """The tutorials' loop: pull one, append a row to a file (not synced), ack."""
    async with _filled(count) as (engine, settings):
        rows = (settings.home / "rows.jsonl").open("ab", buffering=0)
        started_s = time.perf_counter()
        while deliveries := await engine.subscription.pull(1, lease_s=30):
            rows.write(deliveries[0].body + b"\n")
            await engine.subscription.ack([deliveries[0].lease_id])
        rows.close()
        return count / (time.perf_counter() - started_s)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run() -> list[Figure]:
    """Measure; about eight minutes, most of it the 500,000 messages."""
    return asyncio.run(_run())


async def _run() -> list[Figure]:
    await _ours(FEW)
    few = _peak_mib()
    paces = [(await _ours(MESSAGES), await _ours(MESSAGES, measured=True)) for _ in range(TURNS)]
    ours, measured = (
        sorted(some, key=attrgetter("under_way"))[TURNS // 2] for some in zip(*paces, strict=True)
    )
    bare = await _bare(MESSAGES)
    loop = await _one_by_one(1000)
    await _ours(MANY)
    many = _peak_mib()
    return [
        Figure(
            "runner, no-op models, numbers read each second", measured.under_way, "images/s", 3000,
            note=measured.note,
        ),
        Figure("  without telemetry", ours.under_way, "images/s", note=ours.note),
        Figure("  a bare pull-and-ack loop, no rows written", bare, "messages/s"),
        Figure("  one message at a time, as in tutorials", loop, "messages/s"),
        Figure("  ours over one at a time", measured.under_way / loop, "times"),
        Figure(
            "memory growth from 10,000 to 500,000 messages", many - few, "MiB", 50, "lower",
            f"peak {few:.0f} MiB, then {many:.0f} MiB",
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    report("runner", run())
