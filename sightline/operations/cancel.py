"""Cancels a run, with its queued messages."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.errors import ConfigurationError, NotFoundError
from sightline.ports import Engine
from sightline.wiring.ids import utc_now


@dataclass(frozen=True, slots=True)
class CancelledRun:
    """A cancelled run, and how many of its queued messages were dropped."""

    run_id: str
    dropped: int


async def cancel(engine: Engine, run_id: str) -> CancelledRun:
    """Cancel a run: no further calls are paid for; results of calls in flight are kept.

    Raises:
        NotFoundError: there is no such run.
        ConfigurationError: the run is already done.
    """
    runs = {run.run_id: run for run in await engine.runs.runs()}
    if run_id not in runs:
        raise NotFoundError(f"no run {run_id}; `sightline status` lists them")
    if runs[run_id].state == "published" and (await engine.runs.balance(run_id)).settled:
        raise ConfigurationError(f"run {run_id} is done; there is nothing to cancel")
    await engine.runs.cancel(run_id, now=utc_now())
    return CancelledRun(run_id, await engine.backlog.purge(run_id))
