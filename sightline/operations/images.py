"""Reads an image from its location and decodes it upright."""

from __future__ import annotations

import asyncio

from PIL import Image

from sightline.errors import ConfigurationError
from sightline.gcp.storage.client import StoragePlace, first_bytes, open_storage
from sightline.local.images import read_to_send
from sightline.settings import Settings
from sightline.vision.images import decode_image, too_large
from sightline.wiring.credentials import google_tokens
from sightline.wiring.images import image_folders
from sightline.wiring.places import project

MAX_PIXELS = 200_000_000


def read_image(
    settings: Settings, uri: str, *, preferred_size: tuple[int, int] | None = None
) -> Image.Image:
    """Return an image as an upright RGB picture; blocks while the image is read.

    Files are read only in imported folders and those in ``images.roots``. With ``preferred_size``
    (width, height in pixels) a large image may be decoded smaller, but not smaller than that.

    Raises:
        PermanentError: the image is missing, unreadable, or larger than ``images.max_bytes``.
        ConfigurationError: the URI is neither ``file://`` nor ``gs://``.
    """
    if uri.startswith("file://"):
        folders = image_folders(settings)
        content = read_to_send(uri, max_bytes=settings.images.max_bytes, folders=folders)
    elif uri.startswith("gs://"):
        content = _stored_bytes(settings, uri)
    else:
        raise ConfigurationError(f"{uri} cannot be shown; give a file:// or a gs:// URI")
    return decode_image(content, uri, max_pixels=MAX_PIXELS, preferred_size=preferred_size)


async def image(settings: Settings, uri: str) -> Image.Image:
    """Return an image as ``read_image`` does, off the event loop."""
    return await asyncio.to_thread(read_image, settings, uri)


def _stored_bytes(settings: Settings, uri: str) -> bytes:
    most = settings.images.max_bytes
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    credentials = None if settings.gcs.endpoint else google_tokens(settings).credentials
    with open_storage(place, credentials) as client:
        content = first_bytes(client, place, uri, most + 1)
    if len(content) > most:
        raise too_large(uri, f"more than {most} bytes")
    return content
