"""Starts worker processes, shows their progress, and collects their summaries."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sightline.errors import SightlineError
from sightline.ports import Runs
from sightline.settings import Settings, TelemetrySettings, as_environment

POLL_S = 1.0


async def run_workers(
    settings: Settings,
    runs: Runs,
    run_id: str,
    count: int,
    on_progress: Callable[[int, int | None], None],
) -> list[dict[str, Any]]:
    """Run ``count`` draining workers to their end; return each one's summary.

    Progress is reported in parts of the run.

    Raises:
        SightlineError: a worker failed; the message is its own last line.
    """
    # Everything is published before they start, so a short wait on an empty queue is enough.
    # They share a machine, so the first would take a port in their settings from the others.
    own = replace(settings.worker, drain_idle_s=0.5)
    handed = replace(settings, worker=own, telemetry=TelemetrySettings())
    environment = {**os.environ, **as_environment(handed)}
    total = (await runs.balance(run_id)).parts
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", "--drain", "--json",
            env=environment, stdout=PIPE, stderr=PIPE,
        )
        for _ in range(count)
    ]  # fmt: skip
    watching = asyncio.create_task(_watch(runs, run_id, on_progress))
    try:
        results = await asyncio.gather(*(_result(process) for process in processes))
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        for process in processes:
            if process.returncode is None:
                process.terminate()
                await process.wait()
    on_progress(total, total)
    return results


async def _result(process: Process) -> dict[str, Any]:
    out, err = await process.communicate()
    if process.returncode != 0:
        last = err.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise SightlineError(f"a worker ended with code {process.returncode}: {last}")
    summary: dict[str, Any] = json.loads(out)
    return summary


async def _watch(runs: Runs, run_id: str, on_progress: Callable[[int, int | None], None]) -> None:
    while True:
        await asyncio.sleep(POLL_S)
        balance = await runs.balance(run_id)
        on_progress(balance.written + balance.dead, balance.parts)
