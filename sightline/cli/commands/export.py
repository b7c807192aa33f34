"""``sightline export``: the current answers of a task as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson, Replace
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.export import export_json, print_export
from sightline.export.targets import check_target
from sightline.operations.export import export as run
from sightline.operations.export import export_paths

_CHOICES = "parquet, geoparquet, geojson, gpkg, csv, or tuning"


@filtered
def export(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="The file to write; its suffix determines the format.")
    ],
    task: Annotated[
        str | None, typer.Option(help="Whose answers; required if several tasks have answers.")
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help=f"Instead of the suffix: {_CHOICES}.")
    ] = None,
    validation: Annotated[
        float,
        typer.Option(help="For --format tuning: the share of assets held out.", min=0, max=0.9),
    ] = 0.1,
    force: Replace = False,
    chosen: FilterOptions = NO_FILTER,
    as_json: AsJson = False,
) -> None:
    """Write the current answers of a task: a table, a map, or examples for tuning a model.

    Images are referenced by URI, never copied. Example: sightline export signs.geoparquet --task
    road_signs --near 52.09,5.12,500
    """
    state: State = context.obj
    paths = export_paths(file, format_)
    state.check_output(*paths)
    for path in paths:
        check_target(path, force=force)
    which = chosen.filter()
    state.must_exist()
    result = state.read_answers(
        which,
        lambda warehouse: run(
            warehouse,
            file,
            task=task,
            format_=format_,
            which=which,
            validation_share=validation,
            force=force,
            progress=progress_bar,
        ),
    )
    print_json(export_json(result)) if as_json else print_export(result)
