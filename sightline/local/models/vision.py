"""The offline model, shared: each image is read once and encoded once, off the event loop."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigurationError
from sightline.local.images import path_of, read_image
from sightline.local.models.batching import MicroBatcher
from sightline.local.models.sharing import SharedWork
from sightline.local.models.threads import Threads
from sightline.settings import ImageSettings, ModelSettings
from sightline.tasks import FieldSpec
from sightline.vision.encoder import DualEncoder
from sightline.vision.protocol import Vectors, VisionEncoder
from sightline.vision.zero_shot import CardedEncoder, ZeroShot

Vector = NDArray[np.float32]
Stamp = tuple[int, int, int]
Answered = dict[str, str | bool | None]
_LINGER_S = 0.002
_REMEMBERED = 1024


class LocalVision:
    """Vectors of images and texts, and answers, by one encoder; an async context manager.

    Decoding runs in ``decode_threads`` threads, inference in one more, in batches of at most
    ``batch_size``. Requests for the same image share one encoding, and the last 1,024 vectors
    are remembered by URI, size and time of change. At most four batches of images are in memory.
    ``name`` is the model's name as it stands in part keys, by default the encoder's own.
    """

    def __init__(
        self,
        encoder: CardedEncoder,
        *,
        images: ImageSettings,
        batch_size: int = 16,
        decode_threads: int = 2,
        name: str | None = None,
    ) -> None:
        self.name = name or encoder.name
        self._encoder = encoder
        self._limits = images
        self._batch_size = batch_size
        self._decode_threads = decode_threads
        self._remembered: OrderedDict[str, tuple[Stamp, Vector]] = OrderedDict()
        self._zero_shot: ZeroShot | None = None
        self._stack = AsyncExitStack()
        self._in_memory = asyncio.Semaphore(4 * batch_size)

    @classmethod
    def open(cls, models: ModelSettings, images: ImageSettings) -> Self:
        """Load the offline model (about 0.3 s; blocks) and return it, to be entered.

        Raises:
            ConfigurationError: the weights cannot be loaded, or the settings name another model
                or another dimension.
        """
        encoder = DualEncoder.load(threads=models.inference_threads)
        if (models.classify, models.embed) != (encoder.name, encoder.name):
            raise ConfigurationError(
                f"models.classify = {models.classify!r} and models.embed = {models.embed!r} are not"
                f" accepted by the local engine; accepted: {encoder.name} for both"
            )
        if models.embed_dimension != encoder.dimension:
            raise ConfigurationError(
                f"models.embed_dimension = {models.embed_dimension} is not the dimension of"
                f" {models.embed}; accepted: {encoder.dimension}"
            )
        return cls(encoder, images=images, batch_size=models.batch_size)

    @property
    def encoder(self) -> VisionEncoder:
        """The encoder that makes the vectors."""
        return self._encoder

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._decoding = await stack.enter_async_context(
                Threads(self._decode_threads, "sightline-decode")
            )
            self._inference = await stack.enter_async_context(Threads(1, "sightline-encode"))
            self._batcher = MicroBatcher[NDArray[Any], Vector](
                self._encode, batch_size=self._batch_size, linger_s=_LINGER_S
            )
            batches = asyncio.create_task(self._batcher.run())
            stack.push_async_callback(_stop, batches)
            self._shared = await stack.enter_async_context(SharedWork(self._vector))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def image_vector(self, uri: str) -> Vector:
        """Return the unit vector of an image.

        Raises:
            PermanentError, TransientError: as ``read_image`` does; only for this image.
        """
        return await self._shared.get(uri)

    async def text_vector(self, text: str) -> Vector:
        """Return the unit vector of a text."""
        vectors = await self._inference.run(lambda: self._encoder.encode_texts([text]))
        return _frozen(vectors[0])

    async def answer(
        self, fields: Sequence[FieldSpec], vector: Vector, *, asset_types: Sequence[str] = ()
    ) -> Answered:
        """Answer a task's fields about one vector; what the model cannot answer is withheld."""
        return await self._inference.run(lambda: self._answer(fields, vector, asset_types))

    def _answer(
        self, fields: Sequence[FieldSpec], vector: Vector, asset_types: Sequence[str]
    ) -> Answered:
        # Only ever run in the one inference thread, so it is made once.
        if self._zero_shot is None:
            self._zero_shot = ZeroShot(self._encoder)
        return self._zero_shot.answer(fields, vector[np.newaxis], asset_types=asset_types)[0]

    async def _vector(self, uri: str) -> Vector:
        remembered = self._remembered.get(uri)
        if (
            remembered is not None
            and await self._decoding.run(lambda: _stamp(uri)) == remembered[0]
        ):
            self._remembered.move_to_end(uri)
            return remembered[1]
        async with self._in_memory:
            stamp, pixels = await self._decoding.run(lambda: self._read(uri))
            vector = await self._batcher.submit(pixels)
        if stamp is not None:
            self._remember(uri, stamp, vector)
        return vector

    def _remember(self, uri: str, stamp: Stamp, vector: Vector) -> None:
        self._remembered[uri] = (stamp, vector)
        self._remembered.move_to_end(uri)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)

    def _read(self, uri: str) -> tuple[Stamp | None, NDArray[Any]]:
        stamp = _stamp(uri)
        image = read_image(
            uri,
            max_bytes=self._limits.max_bytes,
            max_pixels=self._limits.max_pixels,
            preferred_size=self._encoder.preferred_size,
        )
        return stamp, self._encoder.preprocess(image)

    async def _encode(self, batch: Sequence[NDArray[Any]]) -> Sequence[Vector]:
        vectors: Vectors = await self._inference.run(lambda: self._encoder.encode_images(batch))
        return [_frozen(vector) for vector in vectors]


def _stamp(uri: str) -> Stamp | None:
    try:
        status = os.stat(path_of(uri))  # noqa: PTH116 - a path of surrogates, as read_image takes it
    except OSError:
        return None  # the reading that follows says why
    return status.st_ino, status.st_size, status.st_mtime_ns


def _frozen(vector: Vector) -> Vector:
    own = np.array(vector, np.float32)
    own.setflags(write=False)
    return own


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
