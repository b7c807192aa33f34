"""Names of ``sightline.operations.cloud`` for the checks and the tuning that are still in here."""

from sightline.operations.cloud import (
    embedding_part,
    google_credentials,
    has_cloud_queue,
    has_cloud_warehouse,
    queue_shape,
)

__all__ = [
    "embedding_part",
    "google_credentials",
    "has_cloud_queue",
    "has_cloud_warehouse",
    "queue_shape",
]
