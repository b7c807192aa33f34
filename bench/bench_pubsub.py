"""Publishing to Pub/Sub and working it off, on two servers that others wrote, beside minimal loops.

Google's emulator is slow at handing out messages, and bounds every client; pstest, the server of
Google's Go client, does not. Work lists and rows are the local warehouse's, written durably; the
models answer at once. The minimal loops use the same client and do nothing but publish, or pull and
ack.

A worker that reached 0.9 of the minimal loop would have a tenth of its time for all else: decoding,
the lease, two limiters, two calls, two durable rows. It takes more than that, spread over some
twenty steps of one Python loop.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.figures import Figure, report
from bench.pace import Pace, drain
from producer.publish import Producer
from producer.request import build_request, choose_tasks
from scripts.servers import (
    Pstest,
    PubSubEmulator,
    pubsub_emulator_jar,
    run_pstest,
    run_pubsub_emulator,
)
from sightline.gcp.pubsub import PubSubPublisher
from sightline.gcp.pubsub.setup import QueueSetup, QueueShape
from sightline.local.noop import NoopClassifier, NoopEmbedder
from sightline.model import Filter, Run
from sightline.ports import Engine, Outgoing
from sightline.schema import OBSERVATIONS, parquet_schema
from sightline.settings import (
    AdapterSettings,
    GcpSettings,
    LimitSettings,
    ModelSettings,
    PubSubSettings,
    Settings,
    WorkerSettings,
)
from sightline.wiring.engine import open_engine
from sightline.wiring.ids import new_run_id, new_worker_id, utc_now
from sightline.wiring.models import ModelSet
from sightline.wiring.paths import source_path
from sightline.wiring.places import pubsub_place
from sightline.wiring.tasks import known_tasks
from worker.main import build_worker

MORE = 100_000
MANY = 1_000_000
DIMENSION = 256
Server = Callable[[Path], AbstractContextManager[Pstest | PubSubEmulator]]


def _settings(home: Path, endpoint: str) -> Settings:
    return Settings(
        home=home,
        adapters=AdapterSettings(queue="pubsub"),
        gcp=GcpSettings(project="bench"),
        pubsub=PubSubSettings(endpoint=endpoint, dead_letter_subscription="dead"),
        models=ModelSettings("noop", "noop", DIMENSION),
        classify_limit=LimitSettings(in_flight=64),
        embed_limit=LimitSettings(in_flight=64),
        worker=WorkerSettings(drain_idle_s=0.5, idle_poll_s=0.01, prefetch=1000),
    )


def _import(settings: Settings, count: int) -> None:
    """Write ``count`` observations where the importer would, in constant memory."""
    names = [
        field
        for field in parquet_schema(OBSERVATIONS)
        if field.name not in {"run_id", "written_at"}
    ]
    schema = pa.schema([*names, pa.field("imported_at", pa.timestamp("us", tz="UTC"))])
    folder = source_path(settings)
    folder.mkdir(parents=True)
    with pq.ParquetWriter(folder / "000000.parquet", schema) as file:
        for start in range(0, count, 100_000):
            file.write_table(_observations(start, min(start + 100_000, count), schema))


def _observations(start: int, stop: int, schema: pa.Schema) -> pa.Table:
    rows = stop - start
    names = pc.utf8_lpad(pa.array(range(start, stop)).cast(pa.string()), 9, "0")
    uris = pc.binary_join_element_wise("gs://bucket/snapshot-1/v0/", names, ".jpg", "")
    now = pa.scalar(utc_now(), pa.timestamp("us", tz="UTC"))
    columns = {
        "observation_id": names,
        "asset_id": names,
        "snapshot_id": pa.repeat("snapshot-1", rows),
        "asset_type": pa.repeat("ASSET_CLASS_ROAD_SIGN", rows),
        "gcs_uri": uris,
        "latitude": pa.repeat(52.1, rows),
        "longitude": pa.repeat(5.1, rows),
        "capture_time": pa.repeat(now, rows),
        "imported_at": pa.repeat(now, rows),
    }
    return pa.table(
        [columns.get(field.name, pa.nulls(rows, field.type)) for field in schema], schema=schema
    )


@asynccontextmanager
async def _engine(server: Server, count: int) -> AsyncIterator[tuple[Engine, Run]]:
    """Open an engine whose work list of ``count`` messages is written and not yet published."""
    with tempfile.TemporaryDirectory() as folder, server(Path(folder) / "log") as running:
        settings = _settings(Path(folder) / "home", running.endpoint)
        shape = QueueShape(pubsub_place(settings), settings.pubsub.dead_letter_topic)
        async with QueueSetup.open(shape) as setup:
            for kind, path in setup.required():
                await setup.put(kind, path)
        _import(settings, count)
        tasks = choose_tasks(known_tasks(settings), ["road_signs"], settings.models)
        request = build_request(Filter(), tasks, settings.models, embed=True, command="bench")
        async with open_engine(settings) as engine:
            for task in tasks:
                await engine.runs.remember_task(task, now=utc_now())
            now = utc_now()
            run = await engine.source.open_run(request, run_id=new_run_id(now), now=now)
            yield engine, run


async def _publish(server: Server, count: int) -> tuple[float, float, float]:
    """Return messages/s of the producer and a minimal loop, and the MiB that publishing added."""
    async with _engine(server, count) as (engine, run):
        ranges = await engine.source.unpublished(run.run_id)
        item = (await engine.source.items(ranges[0]))[0]
        at_first_mib = _resident_mib()
        seen_mib = [at_first_mib]
        producer = Producer(
            engine.source,
            engine.publisher,
            now=utc_now,
            new_run_id=new_run_id,
            on_progress=lambda _done, _total: seen_mib.append(_resident_mib()),
        )
        started_s = time.perf_counter()
        done = await producer.publish(run)
        ours = done.messages / (time.perf_counter() - started_s)
        if done.messages != count:
            raise SystemExit(f"only {done.messages} of {count} messages were published")
        bare = await _publish_bare(engine, item.subject_id, min(count, MORE))
    return ours, bare, max(seen_mib) - at_first_mib


async def _publish_bare(engine: Engine, name: str, count: int) -> float:
    """Publish bodies of a like size in batches of 1,000."""
    batch = [Outgoing(name.encode() * 60, {"v": "1", "run_id": "bare"})] * 1000
    async with PubSubPublisher.open(pubsub_place(engine.settings)) as publisher:
        started_s = time.perf_counter()
        for _ in range(0, count, 5 * len(batch)):
            await publisher.publish(batch * 5, batch_key="")
        return count / (time.perf_counter() - started_s)


async def _work(server: Server, count: int) -> Pace:
    async with _engine(server, count) as (engine, run):
        producer = Producer(engine.source, engine.publisher, now=utc_now, new_run_id=new_run_id)
        await producer.publish(run)
        models = ModelSet(NoopClassifier(), NoopEmbedder(dimension=DIMENSION))
        worker = build_worker(engine, models, engine.settings, worker_id=new_worker_id())
        return await drain(worker, count)


async def _work_bare(server: Server, count: int) -> float:
    async with _engine(server, count) as (engine, run):
        producer = Producer(engine.source, engine.publisher, now=utc_now, new_run_id=new_run_id)
        await producer.publish(run)
        settled = 0
        started_s = time.perf_counter()
        while settled < count:
            deliveries = await engine.subscription.pull(1000, lease_s=60)
            await engine.subscription.ack([delivery.lease_id for delivery in deliveries])
            settled += len(deliveries)
        return count / (time.perf_counter() - started_s)


def _resident_mib() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / (1 << 20)


async def _run() -> list[Figure]:
    figures = await _of_pstest()
    if pubsub_emulator_jar() is not None:
        figures += await _of_emulator()
    return figures


async def _of_pstest() -> list[Figure]:
    ours, _, little_mib = await _publish(run_pstest, MORE)
    many, bare, much_mib = await _publish(run_pstest, MANY)
    work, pulled = await _work(run_pstest, MORE), await _work_bare(run_pstest, MORE)
    return [
        Figure("publish 100,000 messages to pstest", ours, "messages/s"),
        Figure("publish 1,000,000 messages to pstest", many, "messages/s"),
        Figure("  bare publishing to pstest", bare, "messages/s"),
        Figure(
            "memory that publishing 1,000,000 adds, over 100,000", much_mib - little_mib, "MiB", 50,
            "lower", f"{little_mib:.0f} MiB, then {much_mib:.0f} MiB",
        ),
        Figure(
            "pull to settle on pstest, durable rows", work.under_way, "images/s", 2500,
            note=work.note,
        ),
        Figure("  a bare pull-and-ack loop on pstest", pulled, "messages/s"),
        Figure("  ours over the minimal loop", work.under_way / pulled, "times"),
    ]  # fmt: skip


async def _of_emulator() -> list[Figure]:
    ours, bare, _ = await _publish(run_pubsub_emulator, MORE)
    work = await _work(run_pubsub_emulator, MORE)
    pulled = await _work_bare(run_pubsub_emulator, MORE)
    return [
        Figure("publish to Google's emulator", ours, "messages/s", 50_000),
        Figure("  bare publishing to Google's emulator", bare, "messages/s"),
        Figure(
            "pull to settle on Google's emulator, durable rows", work.under_way, "images/s",
            note=work.note,
        ),
        Figure("  a bare pull-and-ack loop on Google's emulator", pulled, "messages/s"),
        Figure("  ours over the minimal loop", work.under_way / pulled, "times", 0.9),
    ]  # fmt: skip


def run() -> list[Figure]:
    """Measure; about five minutes."""
    return asyncio.run(_run())


if __name__ == "__main__":
    report("pubsub", run())
