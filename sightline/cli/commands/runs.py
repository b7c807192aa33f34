"""``sightline cancel``: end a run, its queued messages included."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, say
from sightline.cli.state import State


def cancel(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(help="The run, as `sightline status` lists it.")],
    as_json: AsJson = False,
) -> None:
    """Cancel a run: its queued messages are dropped, and nothing more is paid for it.

    Calls that are under way end and their results are kept. Example: sightline cancel RUN
    """
    import asyncio

    state: State = context.obj
    found = asyncio.run(_cancel(state.settings(), run_id))
    if as_json:
        print_json(found)
    else:
        say(f"run {run_id} is cancelled; {found['dropped']:,} queued messages were dropped")


async def _cancel(settings: Any, run_id: str) -> dict[str, Any]:
    from sightline.errors import ConfigurationError, NotFoundError
    from sightline.wiring import open_engine, utc_now

    async with open_engine(settings) as engine:
        found = {run.run_id: run for run in await engine.runs.runs()}
        if run_id not in found:
            raise NotFoundError(f"no run {run_id}; `sightline status` lists them")
        if found[run_id].state == "published" and (await engine.runs.balance(run_id)).settled:
            raise ConfigurationError(f"run {run_id} is done; there is nothing to cancel")
        await engine.runs.cancel(run_id, now=utc_now())
        return {"run_id": run_id, "dropped": await engine.backlog.purge(run_id)}
