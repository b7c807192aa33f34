"""``sightline index``: create, show and drop the index of vectors."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.indexes import index_json, print_index, print_removal, removal_json
from sightline.operations.indexes import create_index, drop_index, index_status

app = typer.Typer(help="Create, show and drop the index of vectors.", no_args_is_help=True)


@app.command("create", short_help="Create or update the index.")
def create(
    context: typer.Context,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Return when it covers every vector.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Create or update the index of the configured model's vectors.

    If it is interrupted, the next call continues. Example: sightline index create
    """
    state: State = context.obj
    index = state.read(lambda warehouse: create_index(warehouse, wait=wait, progress=progress_bar))
    print_json(index_json(index)) if as_json else print_index(index)


@app.command("status")
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what the index covers, its age and its stored columns."""
    state: State = context.obj
    index = state.read(index_status)
    print_json(index_json(index)) if as_json else print_index(index)


@app.command("drop")
def drop(context: typer.Context, as_json: AsJson = False) -> None:
    """Remove the index; searches then compare every vector. A missing index is not an error."""
    state: State = context.obj
    result = state.read(drop_index)
    print_json(removal_json(result)) if as_json else print_removal(result)
