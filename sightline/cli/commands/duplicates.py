"""``sightline duplicates``: near-duplicate images, and the views of one place."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, remark
from sightline.cli.state import State
from sightline.cli.views import duplicates as views
from sightline.errors import ConfigurationError
from sightline.operations import duplicates as operations

MOST_GROUPS = 1_000_000


@filtered
def duplicates(
    context: typer.Context,
    at_least: Annotated[
        float, typer.Option(help="The least cosine similarity of near-duplicates.", min=0, max=1)
    ] = 0.98,
    within_asset: Annotated[
        bool, typer.Option("--within-asset", help="Compare the images of one asset only.")
    ] = False,
    multi_view: Annotated[
        bool, typer.Option("--multi-view", help="Show different images of one asset instead.")
    ] = False,
    metres: Annotated[
        float | None,
        typer.Option(
            help="With --multi-view: assets within this distance are one place.",
            min=0.01,
            max=100_000,
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(help="The number of groups to show.", min=1, max=MOST_GROUPS)
    ] = 20,
    chosen: FilterOptions = NO_FILTER,
    as_json: AsJson = False,
) -> None:
    """Group near-duplicate images, or the different views of one place.

    Example: sightline duplicates --asset-type road_sign --at-least 0.99
    """
    if metres is not None and not multi_view:
        raise ConfigurationError(f"--metres {metres} needs --multi-view; give --multi-view, too")
    if within_asset and multi_view:
        raise ConfigurationError(
            "--multi-view is about the images of an asset already; leave --within-asset out"
        )
    which = chosen.filter()
    state: State = context.obj
    state.must_exist()
    if multi_view:
        places = state.read_answers(
            which,
            lambda warehouse: operations.places(
                warehouse, which=which, at_least=at_least, metres=metres, top=top,
                progress=progress_bar,
            )
        )  # fmt: skip
        print_json(views.places_json(places)) if as_json else views.print_places(places)
        left_out = places.without_asset
    else:
        groups = state.read_answers(
            which,
            lambda warehouse: operations.duplicates(
                warehouse, which=which, at_least=at_least, within_asset=within_asset, top=top,
                progress=progress_bar,
            )
        )  # fmt: skip
        print_json(views.duplicates_json(groups)) if as_json else views.print_duplicates(groups)
        left_out = groups.without_asset
    if left_out and not as_json:
        remark(f"{left_out:,} images belong to no asset and were left out")
