"""``sightline setup``: create the missing tables, views, topics and subscriptions."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.setup import print_setup, setup_json
from sightline.operations import setup as operations


def setup(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be created; create nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create the dataset, tables, views, topics and subscriptions that the settings name.

    Existing ones are not changed. Example: sightline setup --dry-run
    """
    state: State = context.obj
    settings = state.settings()
    result = asyncio.run(operations.setup(settings, dry_run=dry_run, progress=progress_bar))
    if as_json:
        print_json(setup_json(result))
    else:
        print_setup(result)
    if result.count("differs"):
        raise typer.Exit(1)
