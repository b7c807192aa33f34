"""Puts a rendered collection where the engine reads observations."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sightline.cli.output import progress_bar
from sightline.settings import Settings
from sightline.wiring import source_path, utc_now

TABLE = "observations.csv"


async def stage(settings: Settings, collection: Path) -> None:
    """Bring the collection's observations into the source, and its images where models see them.

    Raises:
        ConfigurationError, NotFoundError, TransientError: the cloud refuses, or is out of reach.
    """
    if settings.adapter("warehouse") == "bigquery":
        await _set_up(settings)
        await asyncio.to_thread(_upload, settings, collection)
    else:
        _import(settings, collection)


def _import(settings: Settings, collection: Path) -> None:
    from sightline.local.importing import import_table

    import_table(
        collection / TABLE,
        source=source_path(settings),
        now=utc_now(),
        columns={},
        base=None,
        on_progress=None,
    )


async def _set_up(settings: Settings) -> None:
    from sightline.operations.setup import setup

    await setup(settings, progress=progress_bar)


def _upload(settings: Settings, collection: Path) -> None:
    from sightline.gcp.storage import BucketPrefix
    from sightline.operations.source_loading import UploadedFolder
    from sightline.operations.upload import load_folder, send_folder

    where = BucketPrefix.parse(f"{settings.gcs.bucket}/{collection.name}", "gcs.bucket")
    send_folder(settings, collection, where, progress=progress_bar)
    folder = UploadedFolder(collection, where)
    load_folder(settings, folder, settings.bigquery.source, observations=collection / TABLE)
