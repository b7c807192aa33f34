"""How fast a worker goes: from the first message to the last, and once it is under way."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from worker.main import Worker, calm_garbage_collection

LOOK_EVERY_S = 0.01


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages a second. ``under_way`` is of the second half of them, when the limiters, which
    begin slowly, have long found that nothing holds them back; ``whole`` is start to end.
    """

    whole: float
    under_way: float

    @property
    def note(self) -> str:
        """The whole, in words."""
        return f"the second half; from start to end {self.whole:,.0f}"


async def drain(worker: Worker, count: int) -> Pace:
    """Let a worker settle so many messages; return its pace.

    Raises:
        SystemExit: it settled fewer.
    """
    progress = worker.status.progress
    seen: list[tuple[float, int]] = []

    async def look() -> None:
        while True:
            if not seen or progress.acked > seen[-1][1]:
                seen.append((time.perf_counter(), progress.acked))
            await asyncio.sleep(LOOK_EVERY_S)

    started_s = time.perf_counter()
    with calm_garbage_collection():
        looking = asyncio.create_task(look())
        await worker.runner.run(drain=True)
        seconds = time.perf_counter() - started_s
        looking.cancel()
    if progress.acked != count or progress.answers != count:
        raise SystemExit(f"only {progress.acked} of {count} messages were settled")
    half_s, half = next(look for look in seen if look[1] >= count / 2)
    last_s, last = seen[-1]
    return Pace(count / seconds, (last - half) / (last_s - half_s))
