"""Runs the service with a named answerer until a signal stops it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

from sightline.http_client.hosts import Authority
from sightline.sim.vertex.answers import Answerer, MadeUpAnswers
from sightline.sim.vertex.buckets import Buckets
from sightline.sim.vertex.server import VertexSimulator
from sightline.sim.vertex.service import Behaviour

Answers = Literal["demo", "instant"]


async def serve_until_stopped(
    behaviour: Behaviour,
    *,
    host: str,
    port: int,
    seed: int,
    answers: Answers,
    gcs_endpoint: str,
    host_names: Sequence[Authority] = (),
    on_ready: Callable[[str], None],
) -> dict[str, Any]:
    """Serve until SIGINT or SIGTERM; pass the URL to ``on_ready``; return the counters.

    Raises:
        OSError: the server cannot listen on the address.
    """
    with _stop_signal() as stop:
        async with (
            Buckets.open(gcs_endpoint) as buckets,
            _answerer(answers, buckets) as answerer,
            VertexSimulator(
                behaviour,
                answerer=answerer,
                buckets=buckets,
                seed=seed,
                host=host,
                port=port,
                host_names=host_names,
            ) as simulator,
        ):
            on_ready(simulator.base_url)
            await stop.wait()
        return simulator.counters.to_json()


@asynccontextmanager
async def _answerer(answers: Answers, buckets: Buckets) -> AsyncIterator[Answerer]:
    if answers == "instant":
        yield MadeUpAnswers()
        return
    # Imported here, since the model takes a third of a second and 100 MB.
    from sightline.sim.vertex.demo_answers import DemoAnswers  # noqa: PLC0415
    from sightline.vision.encoder import DualEncoder  # noqa: PLC0415

    encoder = await asyncio.to_thread(DualEncoder.load)
    async with DemoAnswers(buckets, encoder) as model:
        yield model


@contextmanager
def _stop_signal() -> Iterator[asyncio.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; a second signal ends the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stopping() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, stopping)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
