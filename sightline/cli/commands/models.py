"""``sightline models``: the remote models that BigQuery asks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, print_table, say
from sightline.cli.state import State

app = typer.Typer(help="List and drop BigQuery's remote models.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the remote models that `sightline work --engine bigquery` has made."""
    import asyncio
    from dataclasses import asdict

    state: State = context.obj
    found = asyncio.run(_models(state.settings()))
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        print_table(
            "",
            ("model", "endpoint", "connection"),
            [(one.name, one.endpoint, one.connection) for one in found],
        )
    else:
        say("no remote models; `sightline work --engine bigquery` makes what it needs")


@app.command("drop")
def drop(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Models as `list` names them; without any, all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drop remote models. Nothing is lost: they are made again when they are needed."""
    import asyncio

    state: State = context.obj
    dropped = asyncio.run(_drop(state.settings(), names or []))
    if as_json:
        print_json({"dropped": dropped})
    else:
        say(f"dropped: {', '.join(dropped) or 'none, since there are none'}")


async def _models(settings: Any) -> Any:
    from sightline.wiring.statements import open_remote_models

    async with open_remote_models(settings) as store:
        return await store.models()


async def _drop(settings: Any, names: list[str]) -> list[str]:
    from sightline.errors import NotFoundError
    from sightline.wiring.statements import open_remote_models

    async with open_remote_models(settings) as store:
        there = [one.name for one in await store.models()]
        for name in names:
            if name not in there:
                raise NotFoundError(f"no remote model {name!r}; there are: {', '.join(there)}")
        chosen = names or there
        for name in chosen:
            await store.drop(name)
    return chosen
