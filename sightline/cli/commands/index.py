"""``sightline index``: the index beside the vectors, made, looked at, dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.ports import IndexState
    from sightline.settings import Settings

app = typer.Typer(help="Make, show and drop the index of vectors.", no_args_is_help=True)

_MB = 1 << 20


@app.command("create")
def create(
    context: typer.Context,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Return when it covers every vector.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Make the index of the configured model's vectors, or bring it up to date.

    Interrupted, it goes on where it was. Example: sightline index create
    """
    import asyncio

    state: State = context.obj
    with progress_bar("indexing, %", 100) as update:
        made = asyncio.run(_create(state.settings(), update, wait=wait))
    _show(made, as_json=as_json)


@app.command("status")
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what the index covers, how old it is and what it stores."""
    import asyncio

    state: State = context.obj
    _show(asyncio.run(_status(state.settings())), as_json=as_json)


@app.command("drop")
def drop(context: typer.Context, as_json: AsJson = False) -> None:
    """Remove the index; searches compare every vector then. No index is no error."""
    import asyncio

    state: State = context.obj
    dropped = asyncio.run(_drop(state.settings()))
    if as_json:
        print_json({"dropped": dropped})
    else:
        say("the index is dropped" if dropped else "there was no index")


async def _create(
    settings: Settings, update: Callable[[int, int | None], None], *, wait: bool
) -> IndexState:
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        return await warehouse.indexes.create(*_space(settings), on_progress=update, wait=wait)


async def _status(settings: Settings) -> IndexState:
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        return await warehouse.indexes.status(*_space(settings))


async def _drop(settings: Settings) -> bool:
    from sightline.wiring import open_warehouse

    async with open_warehouse(settings) as warehouse:
        return await warehouse.indexes.drop(*_space(settings))


def _space(settings: Settings) -> tuple[str, int]:
    return settings.models.embed, settings.models.embed_dimension


def _show(index: IndexState, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_dict(index))
        return
    say(f"index    {index.name}: {index.condition}, {index.detail}")
    say(f"vectors  {index.rows:,}, {index.covered:,} of them in the index ({index.coverage:.0%})")
    if index.lists is not None:
        say(f"lists    {index.lists:,}")
    if index.stored:
        say(f"stores   {', '.join(index.stored)}")
    if index.created_at is not None:
        say(f"made     {index.created_at:%Y-%m-%d %H:%M} UTC")
    if index.refreshed_at is not None:
        say(f"fresh    {index.refreshed_at:%Y-%m-%d %H:%M} UTC")
    if index.bytes is not None:
        say(f"size     {index.bytes / _MB:,.1f} MB")


def _as_dict(index: IndexState) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(index), "coverage": index.coverage}
