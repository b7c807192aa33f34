"""``sightline models``: the remote models that BigQuery calls."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.remote_models import models_json, print_models, print_removal, removal_json
from sightline.operations.remote_models import drop_remote_models, remote_models

app = typer.Typer(help="List and drop BigQuery's remote models.", no_args_is_help=True)


@app.command("list", short_help="List the remote models.")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the remote models that `sightline work --engine bigquery` has created."""
    state: State = context.obj
    models = asyncio.run(remote_models(state.settings()))
    print_json(models_json(models)) if as_json else print_models(models)


@app.command("drop")
def drop(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Models as `list` names them; default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drop remote models. Nothing is lost: they are created again when they are needed."""
    state: State = context.obj
    result = asyncio.run(drop_remote_models(state.settings(), names or ()))
    print_json(removal_json(result)) if as_json else print_removal(result)
