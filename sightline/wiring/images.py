"""Which images may be sent to a model, according to the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sightline.local.images import ANYWHERE, ImageFolders, Nowhere, read_to_send, recorded_roots
from sightline.model import Observation
from sightline.settings import Settings
from sightline.wiring.paths import source_path

ImageReader = Callable[[Observation], Awaitable[bytes]]

NO_FILES = (
    "a Pub/Sub message names a file of this machine, and any publisher could name any file; if"
    " that is wanted, set images.files_from_pubsub and images.roots"
)


def image_folders(settings: Settings) -> ImageFolders:
    """Return the folders in which rows and messages may name files.

    They are those of ``images.roots``, and the imported ones at the time of the look-up; no row
    adds one.
    """
    if settings.adapter("queue") == "pubsub" and not settings.images.files_from_pubsub:
        return Nowhere(NO_FILES)
    source = source_path(settings)
    return ImageFolders(lambda: (*settings.images.roots, *recorded_roots(source)))


def image_reader(settings: Settings, folders: ImageFolders) -> ImageReader:
    """Return a reader for image files in these folders, which runs off the event loop."""

    async def read(observation: Observation) -> bytes:
        return await asyncio.to_thread(
            read_to_send,
            observation.gcs_uri,
            max_bytes=settings.images.max_bytes,
            folders=folders,
        )

    return read


def named_image_reader(settings: Settings) -> Callable[[Observation], Awaitable[bytes]]:
    """Return a reader for images that the user names, in any folder."""
    return image_reader(settings, ANYWHERE)
