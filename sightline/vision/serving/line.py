"""Runs an encoder: decoding in threads, encoding in batches, nothing in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.vision.protocol import Vectors
from sightline.vision.serving.batching import MicroBatcher
from sightline.vision.serving.threads import Threads
from sightline.vision.zero_shot import Answer, AnswerField, CardedEncoder, ZeroShot

Vector = NDArray[np.float32]
Note = TypeVar("Note")
Result = TypeVar("Result")
_LINGER_S = 0.002


class EncodingLine:
    """Vectors of images and texts, and answers, by one encoder; an async context manager.

    Decoding runs in ``decode_threads`` threads, inference in one more, in batches of at most
    ``batch_size``. At most four batches of images are in memory.
    """

    def __init__(
        self, encoder: CardedEncoder, *, batch_size: int = 16, decode_threads: int = 2
    ) -> None:
        self._encoder = encoder
        self._batch_size = batch_size
        self._decode_threads = decode_threads
        self._zero_shot: ZeroShot | None = None
        self._stack = AsyncExitStack()
        self._in_memory = asyncio.Semaphore(4 * batch_size)

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
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def image_vector(
        self, read: Callable[[], tuple[Note, Image.Image]]
    ) -> tuple[Note, Vector]:
        """Return the unit vector of the picture that ``read`` returns, and its note.

        ``read`` runs in a thread; its errors are raised here.
        """
        async with self._in_memory:
            note, pixels = await self._decoding.run(lambda: self._prepared(*read()))
            return note, await self._batcher.submit(pixels)

    async def text_vector(self, text: str) -> Vector:
        """Return the unit vector of a text."""
        vectors = await self._inference.run(lambda: self._encoder.encode_texts([text]))
        return _frozen(vectors[0])

    async def answer(
        self, fields: Sequence[AnswerField], vector: Vector, *, asset_types: Sequence[str] = ()
    ) -> Answer:
        """Answer fields about one vector; fields that the model cannot answer are unknown."""
        return await self._inference.run(
            lambda: self._answers().answer(fields, vector[np.newaxis], asset_types=asset_types)[0]
        )

    async def asset_types_asked(self, fields: Sequence[AnswerField]) -> Sequence[str]:
        """Return the asset types that fields are about, as ``ZeroShot`` finds them."""
        return await self._inference.run(lambda: self._answers().asset_types_asked(fields))

    async def in_thread(self, call: Callable[[], Result]) -> Result:
        """Return the result of a short blocking call, run in one of the decoding threads."""
        return await self._decoding.run(call)

    def _answers(self) -> ZeroShot:
        # Only runs in the one inference thread, so it is created once.
        if self._zero_shot is None:
            self._zero_shot = ZeroShot(self._encoder)
        return self._zero_shot

    def _prepared(self, note: Note, image: Image.Image) -> tuple[Note, NDArray[Any]]:
        return note, self._encoder.preprocess(image)

    async def _encode(self, batch: Sequence[NDArray[Any]]) -> Sequence[Vector]:
        vectors: Vectors = await self._inference.run(lambda: self._encoder.encode_images(batch))
        return [_frozen(vector) for vector in vectors]


def mean_direction(vectors: Sequence[Vector]) -> Vector:
    """Return the unit vector along the sum of unit vectors (the first one, if the sum is zero)."""
    if len(vectors) == 1:
        return vectors[0]
    total = np.sum(vectors, axis=0, dtype=np.float32)
    length = float(np.linalg.norm(total))
    return vectors[0] if length < 1e-6 else np.asarray(total / length, np.float32)


def _frozen(vector: Vector) -> Vector:
    own = np.array(vector, np.float32)
    own.setflags(write=False)
    return own


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
