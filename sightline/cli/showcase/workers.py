"""Starts worker processes, shows how far they are, and gathers their summaries."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Any

from sightline.errors import SightlineError
from sightline.ports import BacklogReader
from sightline.settings import Settings

POLL_S = 0.25


async def run_workers(
    settings: Settings,
    backlog: BacklogReader,
    count: int,
    on_progress: Callable[[int, int | None], None],
) -> list[dict[str, Any]]:
    """Run ``count`` draining workers to their end; return what each says it did.

    Raises:
        SightlineError: a worker failed; the message is its own last line.
    """
    # Everything is published before they start, so that an empty queue needs no long look.
    own = {"SIGHTLINE_HOME": str(settings.home), "SIGHTLINE_WORKER__DRAIN_IDLE_S": "0.5"}
    environment = {**os.environ, **own}
    start = await backlog.backlog()
    total = (start.ready or 0) + (start.leased or 0)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", "--drain", "--json",
            env=environment, stdout=PIPE, stderr=PIPE,
        )
        for _ in range(count)
    ]  # fmt: skip
    watching = asyncio.create_task(_watch(backlog, total, on_progress))
    try:
        results = await asyncio.gather(*(_result(one) for one in processes))
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        for one in processes:
            if one.returncode is None:
                one.terminate()
                await one.wait()
    on_progress(total, total)
    return results


async def _result(process: Process) -> dict[str, Any]:
    out, err = await process.communicate()
    if process.returncode != 0:
        last = err.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise SightlineError(f"a worker ended with code {process.returncode}: {last}")
    summary: dict[str, Any] = json.loads(out)
    return summary


async def _watch(
    backlog: BacklogReader, total: int, on_progress: Callable[[int, int | None], None]
) -> None:
    while True:
        left = await backlog.backlog()
        on_progress(total - (left.ready or 0) - (left.leased or 0), total)
        await asyncio.sleep(POLL_S)
