"""``sightline changes``: what differs between two snapshots, or before and after a time."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson, Confidence, Fields, HalfLife, OutFile, Replace
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.changes import changes_json, print_changes
from sightline.filters import parse_time
from sightline.operations.changes import changes as run
from sightline.operations.comparison import Comparison


@filtered
def changes(
    context: typer.Context,
    task: Annotated[
        str | None, typer.Argument(help="A task; required if there are several.")
    ] = None,
    from_snapshot: Annotated[
        str | None, typer.Option(help="The older snapshot; default: the last but one.")
    ] = None,
    to_snapshot: Annotated[
        str | None, typer.Option(help="The newer snapshot; default: the last.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Compare images before this time with the later ones.")
    ] = None,
    field: Fields = None,
    tolerance: Annotated[
        float, typer.Option(help="Numbers that differ by at most this are equal.", min=0, max=1e12)
    ] = 0.0,
    confidence: Confidence = None,
    half_life: HalfLife = 365.0,
    out: OutFile = None,
    force: Replace = False,
    top: Annotated[int, typer.Option(help="The number of assets to show.", min=0, max=10_000)] = 20,
    chosen: FilterOptions = NO_FILTER,
    as_json: AsJson = False,
) -> None:
    """Compare assets between two snapshots, or before and after a time.

    Example: sightline changes road_signs --at 2026-01-01 --out changes.geojson
    """
    comparison = Comparison(from_snapshot, to_snapshot, parse_time(at, "--at"))
    which = chosen.filter()
    state: State = context.obj
    state.must_exist()
    state.check_output(out)
    result = state.read_answers(
        which,
        lambda warehouse: run(
            warehouse,
            task,
            comparison=comparison,
            which=which,
            fields=field or (),
            tolerance=tolerance,
            confidence=confidence,
            half_life_days=half_life,
            out=out,
            force=force,
            top=top,
            progress=progress_bar,
        ),
    )
    print_json(changes_json(result)) if as_json else print_changes(result)
