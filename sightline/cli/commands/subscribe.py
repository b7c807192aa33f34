"""``sightline subscribe``: use an Imagery Insights listing as the source of the job."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar
from sightline.cli.state import State
from sightline.cli.views.subscribe import print_subscription, subscription_json
from sightline.operations import subscribe as operations


def subscribe(
    context: typer.Context,
    listing: Annotated[
        str, typer.Argument(help="PROJECT/LOCATION/EXCHANGE/LISTING, or its resource name.")
    ],
    dataset: Annotated[
        str | None,
        typer.Option(help="The name of the linked dataset; default: the listing's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Subscribe to a listing of Analytics Hub, and print the setting that makes it the source.

    An existing subscription is kept. Example: sightline subscribe
    provider-project/us/imagery_insights/observations
    """
    state: State = context.obj
    result = operations.subscribe(state.settings(), listing, dataset=dataset, progress=progress_bar)
    print_json(subscription_json(result)) if as_json else print_subscription(result)
