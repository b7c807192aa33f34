"""``sightline subscribe``: an Imagery Insights listing becomes the source of the job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, get_args, get_type_hints

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.gcp.analytics_hub import Listing, Subscribed
    from sightline.gcp.bigquery.client import BigQueryClient
    from sightline.settings import Settings


def subscribe(
    context: typer.Context,
    listing: Annotated[
        str, typer.Argument(help="PROJECT/LOCATION/EXCHANGE/LISTING, or its resource name.")
    ],
    dataset: Annotated[
        str | None,
        typer.Option(help="The name of the linked dataset; without it the listing's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Subscribe to a listing of Analytics Hub, and say which setting makes it the source.

    A project that is subscribed already stays so.
    Example: sightline subscribe provider-project/us/imagery_insights/observations
    """
    import asyncio

    from sightline.gcp.analytics_hub import Listing

    state: State = context.obj
    settings = state.settings()
    wanted = Listing.parse(listing)
    with progress_bar("subscribing", None):
        subscribed = _subscribe(settings, wanted, _dataset(wanted, dataset))
        tables = asyncio.run(_tables(settings, wanted, subscribed))
    linked = f"{subscribed.project}.{subscribed.dataset}"
    if as_json:
        print_json(
            {
                "subscription": subscribed.name,
                "existed": subscribed.existed,
                "dataset": linked,
                "location": wanted.location.upper(),
                "sources": [
                    {"source": f"{linked}.{name}", "layout": layout} for name, layout in tables
                ],
            }
        )
        return
    say(f"{'subscribed already' if subscribed.existed else 'subscribed'}: {linked}")
    if not tables:
        remark(f"no table of observations is in {linked}; set bigquery.source to the one you want")
        return
    (name, layout), *others = tables
    say("this makes it the source, in the settings file:")
    say(f'\n[bigquery]\nsource = "{linked}.{name}"\nlayout = "{layout}"')
    for other, its_layout in others:
        say(f'# or source = "{linked}.{other}" with layout = "{its_layout}"')
    if wanted.location.upper() != settings.bigquery.location.upper():
        say(f'location = "{wanted.location.upper()}"')
    remark("next: `sightline doctor` checks the source")


def _dataset(listing: Listing, named: str | None) -> str:
    from sightline.errors import ConfigurationError

    if named is None:
        return re.sub(r"\W", "_", listing.name, flags=re.ASCII)
    if not re.fullmatch(r"\w{1,1024}", named, flags=re.ASCII):
        raise ConfigurationError(
            f"--dataset {named[:80]!r} is not accepted; accepted: letters, digits and underscores"
        )
    return named


def _subscribe(settings: Settings, listing: Listing, dataset: str) -> Subscribed:
    from sightline.gcp.analytics_hub import AnalyticsHub
    from sightline.wiring.credentials import google_tokens
    from sightline.wiring.places import project

    endpoint = settings.bigquery.hub_endpoint
    credentials = google_tokens(settings, endpoint).credentials
    with AnalyticsHub.open(project(settings), credentials, endpoint) as hub:
        return hub.subscribe(listing, dataset)


async def _tables(
    settings: Settings, listing: Listing, subscribed: Subscribed
) -> list[tuple[str, str]]:
    """Return the tables of the linked dataset that can be a source, each with its layout."""
    import asyncio
    from dataclasses import replace

    from sightline.cli.cloud import google_credentials
    from sightline.gcp.bigquery.client import BigQueryClient
    from sightline.gcp.bigquery.columns import LAYOUTS
    from sightline.wiring.places import bigquery_place

    place = replace(
        bigquery_place(settings),
        dataset=subscribed.dataset,
        location=listing.location.upper(),
    )
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint or "")
    async with BigQueryClient.open(place, credentials) as client:
        there = await client.tables()
        found = []
        # One snapshot before all of them: that is what most jobs are about.
        for name in sorted(there, key=lambda one: (one not in LAYOUTS, "latest" not in one, one)):
            layout = await _layout(client, name)
            if layout is not None:
                found.append((name, layout))
    return found


async def _layout(client: BigQueryClient, name: str) -> str | None:
    """Return the layout that a table has: its own name's, or that of ``latest_observations``."""
    from sightline.errors import ConfigurationError
    from sightline.gcp.bigquery.columns import LAYOUTS, SourceTable
    from sightline.settings import BigQuerySettings

    layout = name if name in LAYOUTS else "latest_observations"
    if layout not in get_args(get_type_hints(BigQuerySettings)["layout"]):
        return None
    full_name = f"{client.place.project}.{client.place.dataset}.{name}"
    schema = await client.use(lambda library: library.get_table(full_name, **client.how()).schema)
    try:
        SourceTable(full_name, layout).check(schema)
    except ConfigurationError:
        return None
    return layout
