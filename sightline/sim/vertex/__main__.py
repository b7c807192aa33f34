"""``python -m sightline.sim.vertex --port 8090`` serves until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Sequence

from sightline.sim.vertex.latency import Latency
from sightline.sim.vertex.quota import Schedule
from sightline.sim.vertex.server import VertexSimulator
from sightline.sim.vertex.service import ANY_MODEL, Behaviour


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve with what the command line says; the control API changes it later."""
    parser = argparse.ArgumentParser(prog="python -m sightline.sim.vertex", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one")
    parser.add_argument("--rate-per-s", type=float, help="the quota of each model; none without")
    parser.add_argument("--median-s", type=float, default=0.0, help="how long an answer takes")
    parser.add_argument("--p99-s", type=float, default=0.0, help="its tail; 0 means no spread")
    parser.add_argument("--refusal-s", type=float, default=0.0, help="how long a refusal takes")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        behaviour = Behaviour(
            schedules={ANY_MODEL: Schedule.constant(given.rate_per_s)},
            latency=Latency(given.median_s, given.p99_s, given.refusal_s),
        )
    except ValueError as error:
        parser.error(str(error))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(behaviour, host=given.host, port=given.port, seed=given.seed))


async def serve(behaviour: Behaviour, *, host: str, port: int, seed: int) -> None:
    """Serve until cancelled, and say where on standard output."""
    async with VertexSimulator(behaviour, host=host, port=port, seed=seed) as simulator:
        sys.stdout.write(f"{simulator.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    main()
