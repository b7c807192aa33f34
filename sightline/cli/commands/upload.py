"""``sightline upload``: upload your own photographs to a bucket, and load their observations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.table_options import Columns, Crs, DateFormat, Decimal, table_options
from sightline.cli.views.upload import print_upload, upload_json
from sightline.operations import upload as operations


def upload(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    target: Annotated[
        str | None,
        typer.Argument(help="gs://bucket/prefix; default: gcs.bucket and the folder's name."),
    ] = None,
    observations: Annotated[
        Path | None,
        typer.Option(help="A table of the photographs (CSV, Parquet, GIS), loaded too."),
    ] = None,
    source_table: Annotated[
        str | None,
        typer.Option(help="Load the observations into this table: project.dataset.table."),
    ] = None,
    asset_type: Annotated[
        str | None,
        typer.Option(help="The asset type, if neither a folder's name nor a column gives it."),
    ] = None,
    new_type: Annotated[bool, typer.Option("--new-type", help="The asset type is new.")] = False,
    column: Columns = None,
    crs: Crs = None,
    decimal: Decimal = None,
    date_format: DateFormat = None,
    threads: Annotated[
        int, typer.Option(help="The number of concurrent uploads.", min=1, max=128)
    ] = 16,
    as_json: AsJson = False,
) -> None:
    """Upload the photographs of a folder; those in the bucket already are skipped.

    Run it again to continue where it stopped. Example: sightline upload photos
    gs://my-bucket/street --source-table my-project.own.photographs
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
        options=table_options(column, crs, decimal, date_format),
        threads=threads,
        progress=progress_bar,
    )
    print_json(upload_json(result)) if as_json else print_upload(result)
    if result.failed:
        raise typer.Exit(1)
