"""Puts a rendered collection where the engine reads observations."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sightline.cli.output import progress_bar
from sightline.gcp.storage import BucketPrefix
from sightline.local.importing import import_table
from sightline.operations.setup import setup
from sightline.operations.source_loading import UploadedFolder
from sightline.operations.upload import load_folder, send_folder
from sightline.settings import Settings
from sightline.wiring.ids import utc_now
from sightline.wiring.paths import source_path

TABLE = "observations.csv"


async def stage(settings: Settings, collection: Path) -> None:
    """Load the collection's observations into the source, and its images where models read them.

    Raises:
        ConfigurationError, NotFoundError, TransientError: the cloud refuses, or is unavailable.
    """
    if settings.adapter("warehouse") == "bigquery":
        await _set_up(settings)
        await asyncio.to_thread(_upload, settings, collection)
    else:
        _import(settings, collection)


def _import(settings: Settings, collection: Path) -> None:
    import_table(collection / TABLE, source=source_path(settings), now=utc_now())


async def _set_up(settings: Settings) -> None:
    await setup(settings, progress=progress_bar)


def _upload(settings: Settings, collection: Path) -> None:
    where = BucketPrefix.parse(f"{settings.gcs.bucket}/{collection.name}", "gcs.bucket")
    send_folder(settings, collection, where, progress=progress_bar)
    folder = UploadedFolder(collection, where)
    load_folder(settings, folder, settings.bigquery.source, observations=collection / TABLE)
