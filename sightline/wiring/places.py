"""The Google Cloud resources that the settings name."""

from __future__ import annotations

from typing import Literal

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.columns import SourceTable
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.pubsub import PubSubPlace
from sightline.gcp.vertex_location import VertexLocation
from sightline.settings import Settings

GIB = 1 << 30


def bigquery_place(settings: Settings) -> BigQueryPlace:
    """Return the dataset of the ledgers.

    Raises:
        ConfigurationError: no project is set, or a name is invalid.
    """
    own = settings.bigquery
    return BigQueryPlace(
        project(settings),
        own.dataset,
        location=own.location,
        endpoint=own.endpoint or None,
        storage_endpoint=own.storage_endpoint or None,
        max_bytes_billed=round(own.max_gb_billed * GIB),
    )


def source_table(settings: Settings) -> SourceTable:
    """Return the table of the observations."""
    own = settings.bigquery
    return SourceTable(own.source, own.layout, own.columns)


def pubsub_place(settings: Settings) -> PubSubPlace:
    """Return the topic and the subscriptions; raises as ``bigquery_place`` does."""
    own = settings.pubsub
    return PubSubPlace(
        project(settings),
        own.topic,
        own.subscription,
        own.dead_letter_subscription or None,
        own.endpoint or None,
    )


def vertex_place(settings: Settings, port: Literal["classify", "embed"]) -> VertexLocation:
    """Return the location of a model on Vertex AI; raises as ``bigquery_place`` does."""
    own = settings.vertex
    location = own.embed_location or own.location if port == "embed" else own.location
    return VertexLocation(project(settings), location, own.endpoint)


def project(settings: Settings) -> str:
    """Return the project.

    Raises:
        ConfigurationError: none is set.
    """
    if not settings.gcp.project:
        raise ConfigurationError(
            "no Google Cloud project is set; set gcp.project, or run `sightline init`"
        )
    return settings.gcp.project
