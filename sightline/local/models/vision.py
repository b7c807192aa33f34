"""The offline model, shared: each image is read and encoded once, off the event loop."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Self

from PIL import Image

from sightline.errors import ConfigurationError, PermanentError
from sightline.local.images import ANYWHERE, ImageFolders, path_of, read_image
from sightline.settings import ImageSettings, ModelSettings
from sightline.tasks import FieldSpec
from sightline.vision.encoder import DualEncoder
from sightline.vision.protocol import VisionEncoder
from sightline.vision.serving import EncodingLine, SharedWork, Vector
from sightline.vision.zero_shot import Answer, CardedEncoder

Stamp = tuple[int, int, int]
_REMEMBERED = 1024


class LocalVision:
    """Vectors of images and texts, and answers, by one encoder; an async context manager.

    Requests for the same image share one encoding, and the last 1,024 vectors are cached by URI,
    size and modification time. ``EncodingLine`` does the rest. ``name`` is the model's name in part
    keys, by default the encoder's. Images are read from ``folders``.
    """

    def __init__(
        self,
        encoder: CardedEncoder,
        *,
        images: ImageSettings,
        batch_size: int = 16,
        decode_threads: int = 2,
        name: str | None = None,
        folders: ImageFolders = ANYWHERE,
    ) -> None:
        self.name = name or encoder.name
        self._encoder = encoder
        self._limits = images
        self._folders = folders
        self._line = EncodingLine(encoder, batch_size=batch_size, decode_threads=decode_threads)
        self._remembered: OrderedDict[str, tuple[Stamp, Vector]] = OrderedDict()
        self._stack = AsyncExitStack()

    @classmethod
    def open(
        cls,
        models: ModelSettings,
        images: ImageSettings,
        *,
        answers: bool = True,
        embeds: bool = True,
        folders: ImageFolders = ANYWHERE,
    ) -> Self:
        """Load the offline model (about 0.3 s; blocks) and return it, not entered yet.

        The settings must name it for its use: to answer or to embed.

        Raises:
            ConfigurationError: the weights cannot be loaded, or the settings name another model or
                another dimension.
        """
        encoder = DualEncoder.load(threads=models.inference_threads)
        uses = (("classify", models.classify, answers), ("embed", models.embed, embeds))
        for setting, name, is_used in uses:
            if is_used and name != encoder.name:
                raise ConfigurationError(
                    f"models.{setting} = {name!r} is not accepted where adapters.{setting} is"
                    f" local; accepted: {encoder.name}, or set adapters.{setting}"
                )
        if embeds and models.embed_dimension != encoder.dimension:
            raise ConfigurationError(
                f"models.embed_dimension = {models.embed_dimension} is not the dimension of"
                f" {models.embed}; accepted: {encoder.dimension}"
            )
        return cls(encoder, images=images, batch_size=models.batch_size, folders=folders)

    @property
    def encoder(self) -> VisionEncoder:
        """The encoder of the vectors."""
        return self._encoder

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._line)
            self._shared = await stack.enter_async_context(SharedWork(self._vector))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def image_vector(self, uri: str) -> Vector:
        """Return the unit vector of an image, shape (dimension,).

        Raises:
            PermanentError, TransientError: as ``read_image`` does; only for this image.
        """
        return await self._shared.get(uri)

    async def text_vector(self, text: str) -> Vector:
        """Return the unit vector of a text, shape (dimension,)."""
        return await self._line.text_vector(text)

    async def answer(
        self, fields: Sequence[FieldSpec], vector: Vector, *, asset_types: Sequence[str] = ()
    ) -> Answer:
        """Answer a task's fields about one vector; fields the model cannot answer are unknown."""
        return await self._line.answer(fields, vector, asset_types=asset_types)

    async def _vector(self, uri: str) -> Vector:
        remembered = self._remembered.get(uri)
        if (
            remembered is not None
            and await self._line.in_thread(lambda: _stamp(uri)) == remembered[0]
        ):
            self._remembered.move_to_end(uri)
            return remembered[1]
        stamp, vector = await self._line.image_vector(lambda: self._read(uri))
        if stamp is not None:
            self._remember(uri, stamp, vector)
        return vector

    def _remember(self, uri: str, stamp: Stamp, vector: Vector) -> None:
        self._remembered[uri] = (stamp, vector)
        self._remembered.move_to_end(uri)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)

    def _read(self, uri: str) -> tuple[Stamp | None, Image.Image]:
        stamp = _stamp(uri)
        image = read_image(
            uri,
            max_bytes=self._limits.max_bytes,
            max_pixels=self._limits.max_pixels,
            preferred_size=self._encoder.preferred_size,
            folders=self._folders,
        )
        return stamp, image


def _stamp(uri: str) -> Stamp | None:
    try:
        status = os.stat(path_of(uri))  # noqa: PTH116 - a path of surrogates, as read_image takes it
    except (OSError, PermanentError):
        return None  # the read that follows reports the error
    return status.st_ino, status.st_size, status.st_mtime_ns
