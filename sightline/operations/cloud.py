"""What operations on Google Cloud share: whether it is used, and with which resources."""

from __future__ import annotations

from sightline.gcp.pubsub.setup import QueueShape, check_names
from sightline.model import EmbeddingPart
from sightline.settings import Settings
from sightline.wiring.places import pubsub_place


def has_cloud_queue(settings: Settings) -> bool:
    """Return whether messages go through Pub/Sub."""
    return settings.adapter("queue") == "pubsub"


def has_cloud_warehouse(settings: Settings) -> bool:
    """Return whether observations and ledgers are in BigQuery."""
    return settings.adapter("warehouse") == "bigquery"


def queue_shape(settings: Settings) -> QueueShape:
    """Return the topics and subscriptions that the settings name.

    Raises:
        ConfigurationError: no project is set, or two of the names are the same.
    """
    shape = QueueShape(
        pubsub_place(settings),
        settings.pubsub.dead_letter_topic,
        settings.queue.backstop_attempts,
    )
    check_names(shape)
    return shape


def embedding_part(settings: Settings) -> EmbeddingPart:
    """Return the configured embedding."""
    return EmbeddingPart(settings.models.embed, settings.models.embed_dimension)
