"""Checks the images: opens one of the source and reads its first bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sightline.errors import ConfigurationError
from sightline.gcp.storage import StoragePlace, first_bytes, open_storage
from sightline.operations.doctor.finding import Finding, attempt, failed, not_checked
from sightline.operations.doctor.remedies import google_remedy, grant_on_bucket, member
from sightline.settings import Settings
from sightline.wiring.credentials import google_credentials
from sightline.wiring.places import project

API = "storage.googleapis.com"
SUBJECT = "images"
_GLANCE_BYTES = 512


async def check_images(settings: Settings, sample_uri: str) -> Sequence[Finding]:
    """Return the finding on one image of the source."""
    if not sample_uri:
        return (not_checked(SUBJECT, "no image of the source is known"),)
    if not sample_uri.startswith("gs://"):
        detail = f"{sample_uri[:200]!r} is not in a bucket, where a model could read it"
        remedy = "sightline upload DIR gs://BUCKET/PREFIX --source-table PROJECT.DATASET.TABLE"
        return (failed(SUBJECT, detail, remedy),)
    bucket = sample_uri.removeprefix("gs://").partition("/")[0]
    if settings.images.buckets and bucket not in settings.images.buckets:
        detail = f"{sample_uri[:200]!r} is in a bucket that images.buckets does not name"
        return (failed(SUBJECT, detail, f"add {bucket} to images.buckets"),)
    remedy_of = google_remedy(
        settings,
        API,
        denied=grant_on_bucket(bucket, member(settings)),
        absent="set bigquery.source to a newer delivery, or upload the images again",
        otherwise="correct the images' URIs in the source",
    )
    return (
        await attempt(SUBJECT, lambda: asyncio.to_thread(_read, settings, sample_uri), remedy_of),
    )


def _read(settings: Settings, uri: str) -> str:
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = google_credentials(settings, settings.gcs.endpoint)
    with open_storage(place, credentials) as client:
        content = first_bytes(client, place, uri, _GLANCE_BYTES)
    if not content:
        raise ConfigurationError(f"{uri} is empty; upload it again")
    return f"{uri} can be read by this account"
