"""Pictures of images in the sizes that pages show: made on first sight, then kept in files."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import JpegImagePlugin

from sightline.contact_sheet import is_imagery_insights
from sightline.errors import BusyError
from sightline.operations.gallery.picture_files import PictureFiles
from sightline.operations.images import ImageSource, decoded, open_images
from sightline.settings import Settings
from sightline.vision.images import thumbnail_jpeg, upright_size

SIZES = (160, 320, 640, 4096)
"""The longest sides, in pixels."""
AT_ONCE = 2
"""How many images are decoded at once, each in up to about 200 MB."""
MOST_WAITING = 1_000
_VERSION = "1"  # changes with the way that pictures are made
_SIZE = re.compile(rb"(\d+)x(\d+)")


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG without metadata, and the original's width and height as shown, in pixels."""

    content: bytes
    original_size: tuple[int, int]


def picture_key(uri: str, size: int) -> str:
    """Return the name of a picture of an image: 40 hexadecimal digits."""
    return hashlib.sha256(f"{_VERSION}\0{size}\0{uri}".encode()).hexdigest()[:40]


def nearest_size(size: int) -> int:
    """Return the smallest available size that is not smaller than this one."""
    return next((available for available in SIZES if available >= size), SIZES[-1])


class PictureMaker:
    """Makes pictures in a few threads; requests for the same one wait for the same one."""

    def __init__(
        self, images: ImageSource, files: PictureFiles, threads: ThreadPoolExecutor
    ) -> None:
        self._images = images
        self._files = files
        self._threads = threads
        self._making: dict[str, asyncio.Future[Picture]] = {}

    async def picture(self, uri: str, size: int) -> Picture:
        """Return an image's picture, at most ``nearest_size(size)`` wide and high.

        Raises:
            PermanentError, TransientError, NotFoundError, ConfigurationError: it cannot be read.
            BusyError: too many wait already.
        """
        size = nearest_size(size)
        key = picture_key(uri, size)
        making = self._making.get(key)
        if making is None:
            if len(self._making) >= MOST_WAITING:
                raise BusyError("too many pictures are being made; try again in a few seconds")
            loop = asyncio.get_running_loop()
            making = loop.run_in_executor(self._threads, self._picture, key, uri, size)
            self._making[key] = making
            making.add_done_callback(lambda made: self._made(key, made))
        return await asyncio.shield(making)

    async def original_size(self, uri: str) -> tuple[int, int] | None:
        """Return an image's width and height in pixels, if any picture of it is kept."""
        for size in SIZES:
            content = await asyncio.to_thread(self._files.get, picture_key(uri, size))
            if content is not None and (kept := _kept(content)) is not None:
                return kept.original_size
        return None

    def _made(self, key: str, made: asyncio.Future[Picture]) -> None:
        del self._making[key]
        if not made.cancelled():
            made.exception()  # every request may have been cancelled meanwhile

    def _picture(self, key: str, uri: str, size: int) -> Picture:
        content = self._files.get(key)
        if content is not None and (kept := _kept(content)) is not None:
            return kept
        original = self._images.content(uri)
        width, height = upright_size(original, uri)
        picture = decoded(original, uri, preferred_size=(size, size))
        comment = f"{width}x{height}".encode()
        made = Picture(thumbnail_jpeg(picture, size, comment=comment), (width, height))
        self._files.put(key, made.content)
        return made


@contextmanager
def open_pictures(settings: Settings) -> Iterator[PictureMaker]:
    """Open the pictures of a project, kept below its home within ``gallery.cache_bytes``."""
    files = PictureFiles(settings.home / "cache" / "pictures", settings.gallery.cache_bytes)
    threads = ThreadPoolExecutor(AT_ONCE, "pictures")
    with open_images(settings) as images:
        try:
            yield PictureMaker(images, files, threads)
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def is_licensed(uri: str) -> bool:
    """Return whether an image may not leave the organisation, and carries its source's label."""
    return is_imagery_insights(uri)


def _kept(content: bytes) -> Picture | None:
    """Return a kept picture, with the original's size from its comment."""
    with JpegImagePlugin.JpegImageFile(BytesIO(content)) as image:
        match = _SIZE.fullmatch(image.info.get("comment", b""))
    return match and Picture(content, (int(match[1]), int(match[2])))
