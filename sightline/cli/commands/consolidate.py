"""``sightline consolidate``: one answer per asset, from those about its images."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson, Confidence, Fields, HalfLife, OutFile, Replace
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.consolidate import consolidation_json, print_consolidation
from sightline.operations.consolidate import consolidate as run


@filtered
def consolidate(
    context: typer.Context,
    task: Annotated[
        str | None, typer.Argument(help="A task; required if there are several.")
    ] = None,
    field: Fields = None,
    confidence: Confidence = None,
    half_life: HalfLife = 365.0,
    out: OutFile = None,
    force: Replace = False,
    top: Annotated[
        int, typer.Option(help="The number of conflicts to show.", min=0, max=10_000)
    ] = 20,
    chosen: FilterOptions = NO_FILTER,
    as_json: AsJson = False,
) -> None:
    """Combine the answers about an asset's images into one, and show where they conflict.

    Example: sightline consolidate road_signs --out signs.geojson
    """
    which = chosen.filter()
    state: State = context.obj
    state.must_exist()
    state.check_output(out)
    result = state.read_answers(
        which,
        lambda warehouse: run(
            warehouse,
            task,
            which=which,
            fields=field or (),
            confidence=confidence,
            half_life_days=half_life,
            out=out,
            force=force,
            top=top,
            progress=progress_bar,
        ),
    )
    print_json(consolidation_json(result)) if as_json else print_consolidation(result)
