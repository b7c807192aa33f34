"""Subscribes to a listing of Imagery Insights, and finds its tables that can be the source."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args, get_type_hints

from sightline.errors import ConfigurationError
from sightline.gcp.analytics_hub import AnalyticsHub, LinkedSubscription, Listing
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.columns import LAYOUTS, SourceTable
from sightline.progress import Progress, no_progress
from sightline.settings import BigQuerySettings, Settings
from sightline.wiring.credentials import google_credentials, google_tokens
from sightline.wiring.places import bigquery_place, project


@dataclass(frozen=True, slots=True)
class Source:
    """A table of observations, as ``project.dataset.table``, and its layout."""

    table: str
    layout: str


@dataclass(frozen=True, slots=True)
class ListingSubscription:
    """A subscription: ``dataset`` is the linked dataset, ``existed`` whether it was already there.

    ``sources`` are the tables that can be the source, most likely first; ``elsewhere`` is whether
    they are outside the location in the settings.
    """

    name: str
    existed: bool
    dataset: str
    location: str
    elsewhere: bool
    sources: Sequence[Source]


def subscribe(
    settings: Settings,
    listing: str,
    *,
    dataset: str | None = None,
    progress: Progress = no_progress,
) -> ListingSubscription:
    """Subscribe to a listing of Analytics Hub; an existing subscription is kept. Blocks.

    ``listing`` is ``PROJECT/LOCATION/EXCHANGE/LISTING``; ``dataset`` is the linked dataset's name,
    by default the listing's.

    Raises:
        NotFoundError: the listing does not exist, or this account may not see it.
        ConfigurationError: a name is invalid, or Google Cloud refuses.
        TransientError: a service is unavailable; run it again.
    """
    parsed = Listing.parse(listing)
    with progress("subscribing", None):
        subscribed = _subscribe(settings, parsed, _dataset(parsed, dataset))
        sources = asyncio.run(_sources(settings, parsed, subscribed))
    location = parsed.location.upper()
    return ListingSubscription(
        name=subscribed.name,
        existed=subscribed.existed,
        dataset=f"{subscribed.project}.{subscribed.dataset}",
        location=location,
        elsewhere=location != settings.bigquery.location.upper(),
        sources=sources,
    )


def _dataset(listing: Listing, named: str | None) -> str:
    if named is None:
        return re.sub(r"\W", "_", listing.name, flags=re.ASCII)
    if not re.fullmatch(r"\w{1,1024}", named, flags=re.ASCII):
        raise ConfigurationError(
            f"--dataset {named[:80]!r} is not accepted; accepted: letters, digits and underscores"
        )
    return named


def _subscribe(settings: Settings, listing: Listing, dataset: str) -> LinkedSubscription:
    endpoint = settings.bigquery.hub_endpoint
    credentials = google_tokens(settings, endpoint).credentials
    with AnalyticsHub.open(project(settings), credentials, endpoint) as hub:
        return hub.subscribe(listing, dataset)


async def _sources(
    settings: Settings, listing: Listing, subscribed: LinkedSubscription
) -> Sequence[Source]:
    """Return the tables of the linked dataset that can be a source."""
    place = replace(
        bigquery_place(settings),
        dataset=subscribed.dataset,
        location=listing.location.upper(),
    )
    credentials = await asyncio.to_thread(google_credentials, settings, place.endpoint)
    async with BigQueryClient.open(place, credentials) as client:
        names = await client.tables()
        sources = []
        # One snapshot comes before all of them, since most jobs are about one.
        for name in sorted(
            names, key=lambda name: (name not in LAYOUTS, "latest" not in name, name)
        ):
            layout = await _layout(client, name)
            if layout is not None:
                table = f"{subscribed.project}.{subscribed.dataset}.{name}"
                sources.append(Source(table, layout))
    return tuple(sources)


async def _layout(client: BigQueryClient, name: str) -> str | None:
    """Return a table's layout: that of its name, or that of ``latest_observations``."""
    layout = name if name in LAYOUTS else "latest_observations"
    if layout not in get_args(get_type_hints(BigQuerySettings)["layout"]):
        return None
    full_name = f"{client.place.project}.{client.place.dataset}.{name}"
    schema = await client.use(
        lambda library: library.get_table(full_name, **client.request_options()).schema
    )
    try:
        SourceTable(full_name, layout).check(schema)
    except ConfigurationError:
        return None
    return layout
