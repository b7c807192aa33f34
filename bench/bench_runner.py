"""The runner's overhead: no-op models on the local queue and warehouse, one process.

Side by side with a bare loop that pulls and acks the same messages and does nothing else, and
with the tutorials' loop: one message at a time, one row written for each.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.figures import Figure, report
from sightline.local.noop import NoopClassifier, NoopEmbedder
from sightline.model import AnswerPart, EmbeddingPart, Observation
from sightline.ports import Outgoing
from sightline.settings import LimitSettings, ModelSettings, Settings, WorkerSettings
from sightline.tasks import load_tasks, shipped_directory
from sightline.wire import Message, attributes, encode
from sightline.wiring import Engine, ModelSet, new_worker_id, open_engine, utc_now
from worker.main import build_worker, calm_garbage_collection

MESSAGES = 20_000
FEW = 10_000
MANY = 500_000
DIMENSION = 256


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
            for index, one in enumerate(_messages(count), 1):
                batch.append(one)
                if len(batch) == 1000 or index == count:
                    await engine.publisher.publish(batch, batch_key=str(index))
                    batch = []
            yield engine, settings


async def _ours(count: int) -> float:
    async with _filled(count) as (engine, settings):
        models = ModelSet(NoopClassifier(), NoopEmbedder(dimension=DIMENSION))
        worker = build_worker(engine, models, settings, worker_id=new_worker_id())
        progress = worker.vitals.progress
        started_s = time.perf_counter()
        with calm_garbage_collection():
            await worker.runner.run(drain=True)
        seconds = time.perf_counter() - started_s
        if progress.acked != count or progress.answers != count:
            raise SystemExit(f"only {progress.acked} of {count} messages were settled")
        return count / seconds


async def _bare(count: int) -> float:
    async with _filled(count) as (engine, _):
        started_s = time.perf_counter()
        while found := await engine.subscription.pull(256, lease_s=30):
            await engine.subscription.ack([one.lease_id for one in found])
        return count / (time.perf_counter() - started_s)


async def _one_by_one(count: int) -> float:
    """The tutorials' loop: pull one, append a row to a file (not synced), ack."""
    async with _filled(count) as (engine, settings):
        rows = (settings.home / "rows.jsonl").open("ab", buffering=0)
        started_s = time.perf_counter()
        while found := await engine.subscription.pull(1, lease_s=30):
            rows.write(found[0].body + b"\n")
            await engine.subscription.ack([found[0].lease_id])
        rows.close()
        return count / (time.perf_counter() - started_s)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run() -> list[Figure]:
    """Measure; about five minutes, most of it the 500,000 messages."""
    return asyncio.run(_run())


async def _run() -> list[Figure]:
    await _ours(FEW)
    few = _peak_mib()
    ours = await _ours(MESSAGES)
    bare = await _bare(MESSAGES)
    loop = await _one_by_one(1000)
    await _ours(MANY)
    many = _peak_mib()
    return [
        Figure("runner, no-op models", ours, "images/s", 2000, "higher"),
        Figure("  a bare pull-and-ack loop, no rows written", bare, "messages/s", None, "higher"),
        Figure("  one message at a time, as in tutorials", loop, "messages/s", None, "higher"),
        Figure("  ours over one at a time", ours / loop, "times", None, "higher"),
        Figure(
            "memory growth from 10,000 to 500,000 messages", many - few, "MiB", 50, "lower",
            f"peak {few:.0f} MiB, then {many:.0f} MiB",
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    report("runner", run())
