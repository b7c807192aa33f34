"""``sightline import``: import photographs or a table as observations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.table_options import Columns, Crs, DateFormat, Decimal, table_options
from sightline.cli.views.bucket_import import bucket_import_json, print_bucket_import
from sightline.cli.views.importing import check_read, import_json, print_import
from sightline.errors import ConfigurationError
from sightline.operations.bucket_import import import_bucket
from sightline.operations.importing import import_files


def import_(
    context: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            help="A folder of photographs, a table (CSV, Parquet, GIS), or gs://bucket/prefix.",
        ),
    ],
    asset_type: Annotated[
        str | None,
        typer.Option(help="The asset type, if neither a folder's name nor a column gives it."),
    ] = None,
    new_type: Annotated[bool, typer.Option("--new-type", help="The asset type is new.")] = False,
    column: Columns = None,
    crs: Crs = None,
    decimal: Decimal = None,
    date_format: DateFormat = None,
    source_table: Annotated[
        str | None,
        typer.Option(help="For a bucket: the table to load into, project.dataset.table."),
    ] = None,
    allow_root: Annotated[
        list[Path] | None,
        typer.Option(help="A further folder that images may be read from; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a folder of JPEG, PNG and WebP files, a table, or a bucket as observations.

    Example: sightline import ~/photos --asset-type road_sign
    """
    state: State = context.obj
    settings = state.settings()
    table = table_options(column, crs, decimal, date_format)
    if path.startswith("gs://"):
        table.check_unused(f"{path} is a bucket")
        if allow_root:
            raise ConfigurationError(
                f"--allow-root is for files, and {path} is a bucket; leave it out"
            )
        bucket = import_bucket(
            settings,
            path,
            asset_type=asset_type,
            new_type=new_type,
            source_table=source_table,
            progress=progress_bar,
        )
        print_json(bucket_import_json(bucket)) if as_json else print_bucket_import(bucket)
        check_read(bucket.report, path)
        return
    if source_table is not None:
        raise ConfigurationError("--source-table is for a bucket; leave it out, or give gs://...")
    report = import_files(
        settings,
        Path(path),
        asset_type=asset_type,
        new_type=new_type,
        options=table,
        allowed_roots=allow_root or (),
        progress=progress_bar,
    )
    print_json(import_json(report)) if as_json else print_import(report)
    check_read(report, path)
