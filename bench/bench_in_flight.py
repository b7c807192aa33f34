"""Two thousand calls in flight in one worker: what it holds in memory, and how late its loop runs.

Calls go over sockets to the simulator, in a process of its own, which takes two seconds for each
answer; messages and rows are the local queue's and warehouse's. The loop's lag is how much later
than asked for a nap of 10 ms ends: what a lease's extension would have to wait.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from bench.figures import Figure, report
from bench.simulator import run_simulator
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.vertex_location import VertexLocation
from sightline.model import AnswerPart, EmbeddingPart, Observation
from sightline.ports import Engine, Outgoing
from sightline.prices import load_prices
from sightline.settings import LimitSettings, ModelSettings, Settings, WorkerSettings
from sightline.tasks import TaskSpec, load_task, shipped_directory
from sightline.wire import Message, attributes, encode
from sightline.wiring.engine import open_engine
from sightline.wiring.ids import new_worker_id, utc_now
from sightline.wiring.models import ModelSet
from worker.main import build_worker, calm_garbage_collection

MESSAGES = 12_000
IN_FLIGHT = 1_000
ANSWER_S = 2.0
NAP_S = 0.01
MODEL, EMBEDDING, DIMENSION = "gemini-3.5-flash", "gemini-embedding-2", 512


@asynccontextmanager
async def _models(url: str) -> AsyncIterator[ModelSet]:
    more: dict[str, Any] = {
        "place": VertexLocation("p", "global", url), "tokens": GoogleTokens.fixed("a-token"),
        "prices": load_prices(), "today": lambda: date(2026, 11, 20), "timeout_s": 60.0,
    }  # fmt: skip
    async with (
        GeminiClassifier.open(model=MODEL, **more) as classifier,
        GoogleEmbedder.open(model=EMBEDDING, dimension=DIMENSION, **more) as embedder,
    ):
        yield ModelSet(classifier, embedder)


def _settings(home: Path) -> Settings:
    limit = LimitSettings(in_flight=IN_FLIGHT)
    return Settings(
        home=home,
        models=ModelSettings(MODEL, EMBEDDING, DIMENSION),
        classify_limit=limit,
        embed_limit=limit,
        worker=WorkerSettings(drain_idle_s=0.0, max_outstanding=4 * IN_FLIGHT),
    )


def _message(task: TaskSpec, number: int) -> Outgoing:
    name = f"o{number:08}"
    uri = f"gs://images/s1/v0/{name}.jpg"
    observation = Observation(name, f"a{number}", "s1", "ASSET_CLASS_ROAD_SIGN", uri)
    parts = (
        AnswerPart(task.name, task.fingerprint, task.model),
        EmbeddingPart(EMBEDDING, DIMENSION),
    )
    message = Message("run", name, (observation,), parts)
    return Outgoing(encode(message), attributes(message))


async def _fill(engine: Engine) -> None:
    task = load_task(shipped_directory() / "road_signs.toml").resolve(MODEL)
    await engine.runs.remember_task(task, now=utc_now())
    for start in range(0, MESSAGES, 1000):
        batch = [_message(task, start + number) for number in range(1000)]
        await engine.publisher.publish(batch, batch_key=str(start))


async def _lags(into: list[float]) -> None:
    """Measure for ever how many milliseconds late naps end."""
    while True:
        began_s = time.perf_counter()
        await asyncio.sleep(NAP_S)
        into.append((time.perf_counter() - began_s - NAP_S) * 1e3)


async def _measure(url: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder))
        async with open_engine(settings) as engine, _models(url) as models:
            await _fill(engine)
            worker = build_worker(engine, models, settings, worker_id=new_worker_id())
            lags_ms: list[float] = []
            watching = asyncio.create_task(_lags(lags_ms))
            started_s = time.perf_counter()
            with calm_garbage_collection():
                await worker.runner.run(drain=True)
            seconds = time.perf_counter() - started_s
            watching.cancel()
            await asyncio.wait([watching])
    if worker.status.progress.acked != MESSAGES:
        raise SystemExit(f"only {worker.status.progress.acked} of {MESSAGES} were settled")
    lags_ms.sort()
    calls = 2 * MESSAGES / seconds
    return [
        Figure("calls in flight, on average", calls * ANSWER_S, "calls", note=f"{calls:,.0f}/s"),
        Figure("memory, at most", _peak_mib(), "MiB", 300, "lower"),
        Figure("lag of the loop, median", lags_ms[len(lags_ms) // 2], "ms", better="lower"),
        Figure("lag of the loop, 99th percentile", lags_ms[len(lags_ms) * 99 // 100], "ms", 50,
               "lower", f"longest {lags_ms[-1]:.0f} ms"),
    ]  # fmt: skip


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run() -> list[Figure]:
    """Measure; about a minute."""
    with run_simulator(median_s=ANSWER_S) as url:
        return asyncio.run(_measure(url))


if __name__ == "__main__":
    report("in_flight", run())
