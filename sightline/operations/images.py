"""Reads images from their locations and decodes them upright."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any

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
MAX_PIXELS_IN_MEMORY = 64_000_000
"""The most for images that are decoded at their full size: 192 MB as RGB."""


class ImageSource:
    """Reads images, from several threads; its storage client is opened once, when needed.

    Files are read only in imported folders and those in ``images.roots``.
    """

    def __init__(self, settings: Settings, resources: ExitStack) -> None:
        self._settings = settings
        self._resources = resources
        self._storage: tuple[Any, StoragePlace] | None = None
        self._opening = Lock()

    def read(self, uri: str, *, preferred_size: tuple[int, int] | None = None) -> Image.Image:
        """Return an image as an upright RGB picture; blocks while it is read.

        With ``preferred_size`` (width, height in pixels) a large image may be decoded smaller, but
        not smaller than that.

        Raises:
            PermanentError: the image is missing, unreadable or too large.
            ConfigurationError: the URI is neither ``file://`` nor ``gs://``.
        """
        return decoded(self.content(uri), uri, preferred_size=preferred_size)

    def content(self, uri: str) -> bytes:
        """Return an image's file, of at most ``images.max_bytes``; blocks, raises as ``read``."""
        if uri.startswith("file://"):
            folders = image_folders(self._settings)
            return read_to_send(uri, max_bytes=self._settings.images.max_bytes, folders=folders)
        if uri.startswith("gs://"):
            return self._stored(uri)
        raise ConfigurationError(f"{uri} cannot be shown; give a file:// or a gs:// URI")

    def _stored(self, uri: str) -> bytes:
        most = self._settings.images.max_bytes
        content = first_bytes(*self._opened_storage(), uri, most + 1)
        if len(content) > most:
            raise too_large(uri, f"more than {most} bytes")
        return content

    def _opened_storage(self) -> tuple[Any, StoragePlace]:
        settings = self._settings
        with self._opening:
            if self._storage is None:
                place = StoragePlace(project(settings), settings.gcs.endpoint or None)
                credentials = None if place.endpoint else google_tokens(settings).credentials
                client = self._resources.enter_context(open_storage(place, credentials))
                self._storage = client, place
            return self._storage


@contextmanager
def open_images(settings: Settings) -> Iterator[ImageSource]:
    """Open the source of a project's images."""
    with ExitStack() as resources:
        yield ImageSource(settings, resources)


def decoded(
    content: bytes, uri: str, *, preferred_size: tuple[int, int] | None = None
) -> Image.Image:
    """Return an image's file as a picture for people; see ``decode_image``."""
    return decode_image(
        content,
        uri,
        max_pixels=MAX_PIXELS,
        max_pixels_in_memory=MAX_PIXELS_IN_MEMORY,
        preferred_size=preferred_size,
    )


def read_image(
    settings: Settings, uri: str, *, preferred_size: tuple[int, int] | None = None
) -> Image.Image:
    """Return one image as ``ImageSource.read`` does."""
    with open_images(settings) as images:
        return images.read(uri, preferred_size=preferred_size)


async def image(settings: Settings, uri: str) -> Image.Image:
    """Return an image as ``read_image`` does, off the event loop."""
    return await asyncio.to_thread(read_image, settings, uri)
