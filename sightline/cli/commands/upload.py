"""``sightline upload``: photographs of one's own go to a bucket, their observations to a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.upload import print_upload, upload_json
from sightline.operations import upload as operations


def upload(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    target: Annotated[
        str | None,
        typer.Argument(help="gs://bucket/prefix; without it gcs.bucket and the folder's name."),
    ] = None,
    observations: Annotated[
        Path | None,
        typer.Option(help="A CSV or Parquet table of the photographs, to be loaded too."),
    ] = None,
    source_table: Annotated[
        str | None,
        typer.Option(help="Load the observations into this table: project.dataset.table."),
    ] = None,
    asset_type: Annotated[
        str | None,
        typer.Option(help="The asset type where neither a folder's name nor a column has it."),
    ] = None,
    new_type: Annotated[
        bool, typer.Option("--new-type", help="The asset type is a new one, of your own.")
    ] = False,
    threads: Annotated[int, typer.Option(help="Files sent at once.", min=1, max=128)] = 16,
    as_json: AsJson = False,
) -> None:
    """Upload the photographs of a folder; what is there already is passed by.

    Run it again to go on where it stopped.
    Example: sightline upload photos gs://my-bucket/street --source-table my-project.own.photographs
    """
    state: State = context.obj
    result = operations.upload(
        state.settings(),
        directory,
        target,
        observations=observations,
        source_table=source_table,
        asset_type=asset_type,
        new_type=new_type,
        threads=threads,
        progress=progress_bar,
    )
    print_json(upload_json(result)) if as_json else print_upload(result)
    if result.failed:
        raise typer.Exit(1)
