"""``sightline stats``: count answers, cross them, and check them."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views import stats as views
from sightline.errors import ConfigurationError
from sightline.operations import stats as operations


@filtered
def stats(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="A task; default: all.")] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Count by a field of the task, asset_type, month or cell."),
    ] = None,
    across: Annotated[
        str | None, typer.Option(help="Also count by another of these, as the table's columns.")
    ] = None,
    cell: Annotated[
        float, typer.Option(help="The edge of a cell, in degrees.", min=0.00001, max=90)
    ] = 0.01,
    bin_: Annotated[
        float | None,
        typer.Option("--bin", help="The bin width of a number.", min=0.000001, max=1e12),
    ] = None,
    top: Annotated[int, typer.Option(help="The most rows of a table.", min=1, max=10_000)] = 20,
    chosen: FilterOptions = NO_FILTER,
    as_json: AsJson = False,
) -> None:
    """Count the current answers, cross one field with another, and check them.

    Example: sightline stats road_signs --by condition --across month
    """
    if across is not None and by is None:
        raise ConfigurationError(f"--across {across} needs --by; give --by FIELD, too")
    if bin_ is not None and by is None:
        raise ConfigurationError(f"--bin {bin_:g} needs --by; give --by FIELD, too")
    which = chosen.filter()
    state: State = context.obj
    state.must_exist()
    if by is None:
        overview = state.read_answers(
            which,
            lambda warehouse: operations.overview(
                warehouse, task, which=which, progress=progress_bar
            ),
        )
        if as_json:
            print_json(views.overview_json(overview))
        else:
            views.print_overview(overview, top)
        return
    names = (by,) if across is None else (by, across)
    counted = state.read_answers(
        which,
        lambda warehouse: operations.count_answers(
            warehouse, task, names, which=which, cell=cell, bin_width=bin_, progress=progress_bar
        ),
    )
    print_json(views.counted_json(counted)) if as_json else views.print_counted(counted, top)
