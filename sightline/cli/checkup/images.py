"""The check of the images: one of the source is opened, and its first bytes are read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sightline.cli.checkup.finding import Finding, attempt, unchecked
from sightline.cli.checkup.google import grant_on_bucket, member, mends
from sightline.cli.cloud import google_credentials
from sightline.errors import ConfigurationError
from sightline.settings import Settings

API = "storage.googleapis.com"
WHAT = "images"
_GLANCE_BYTES = 512


async def check_images(settings: Settings, sample_uri: str) -> Sequence[Finding]:
    """Return the finding on one image of the source."""
    if not sample_uri:
        return (unchecked(WHAT, "no image of the source is known"),)
    if not sample_uri.startswith("gs://"):
        detail = f"{sample_uri[:200]!r} is not in a bucket, where a model could read it"
        mend = "sightline upload DIR gs://BUCKET/PREFIX --source-table PROJECT.DATASET.TABLE"
        return (Finding(WHAT, False, detail, mend),)
    bucket = sample_uri.removeprefix("gs://").partition("/")[0]
    if settings.images.buckets and bucket not in settings.images.buckets:
        detail = f"{sample_uri[:200]!r} is in a bucket that images.buckets does not name"
        return (Finding(WHAT, False, detail, f"add {bucket} to images.buckets"),)
    mend_by = mends(
        settings,
        API,
        denied=grant_on_bucket(bucket, member(settings)),
        absent="set bigquery.source to a newer delivery, or upload the images again",
        otherwise="correct the images' URIs in the source",
    )
    return (await attempt(WHAT, lambda: asyncio.to_thread(_read, settings, sample_uri), mend_by),)


def _read(settings: Settings, uri: str) -> str:
    from sightline.gcp.storage import StoragePlace, first_bytes, open_storage
    from sightline.wiring.places import project

    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = google_credentials(settings, settings.gcs.endpoint)
    with open_storage(place, credentials) as client:
        content = first_bytes(client, place, uri, _GLANCE_BYTES)
    if not content:
        raise ConfigurationError(f"{uri} is empty; upload it again")
    return f"{uri} can be read by this account"
