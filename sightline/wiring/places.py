"""Where everything is, by the settings: folders of the local adapters, resources of the cloud's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sightline.errors import ConfigurationError
from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.gcp.bigquery.columns import SourceTable
    from sightline.gcp.bigquery.place import BigQueryPlace
    from sightline.gcp.pubsub import PubSubPlace
    from sightline.gcp.vertex_location import VertexLocation

GIB = 1 << 30


def warehouse_path(settings: Settings) -> Path:
    """Return where the local ledgers are."""
    return settings.home / "warehouse"


def source_path(settings: Settings) -> Path:
    """Return where imported observations are."""
    return settings.home / "source"


def queue_path(settings: Settings) -> Path:
    """Return where the local queue is."""
    return settings.home / "queue.db"


def bigquery_place(settings: Settings) -> BigQueryPlace:
    """Return the dataset of the ledgers.

    Raises:
        ConfigurationError: no project is set, or a name is none.
    """
    from sightline.gcp.bigquery.place import BigQueryPlace

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
    from sightline.gcp.bigquery.columns import SourceTable

    own = settings.bigquery
    return SourceTable(own.source, own.layout, own.columns)


def pubsub_place(settings: Settings) -> PubSubPlace:
    """Return the topic and the subscriptions; raises as ``bigquery_place`` does."""
    from sightline.gcp.pubsub import PubSubPlace

    own = settings.pubsub
    return PubSubPlace(
        project(settings),
        own.topic,
        own.subscription,
        own.dead_letter_subscription or None,
        own.endpoint or None,
    )


def vertex_place(settings: Settings, port: Literal["classify", "embed"]) -> VertexLocation:
    """Return where a model of Vertex AI is asked; raises as ``bigquery_place`` does."""
    from sightline.gcp.vertex_location import VertexLocation

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
