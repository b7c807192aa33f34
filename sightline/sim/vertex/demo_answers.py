"""Answers with the demo model, which reads the images and answers like the offline model.

The response schema of a request names the fields; fields that the model was not measured on are
answered as unknown. A complete run against the simulator therefore returns the same answers and
vectors as the local engine does for the same files.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self, cast

from PIL import Image as Picture

from sightline.errors import PermanentError, Reason, TransientError
from sightline.sim.vertex.answers import CannotAnswerError
from sightline.sim.vertex.buckets import ReadImage
from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.requests import Embed, GenerateRequest, Image
from sightline.vision.answers import completed
from sightline.vision.images import decode_image
from sightline.vision.serving import EncodingLine, SharedWork, Vector, mean_direction
from sightline.vision.zero_shot import CardedEncoder

QUERY_PREFIX = "task: search result | query: "
MOST_PIXELS = 100_000_000
_CACHED_VECTORS = 1024
_TYPES = {
    "STRING": "string", "BOOLEAN": "boolean", "INTEGER": "integer", "NUMBER": "number",
    "ARRAY": "list",
}  # fmt: skip
_FAULTS = {
    Reason.IMAGE_UNREADABLE: Fault.IMAGE_UNREADABLE,
    Reason.IMAGE_TOO_LARGE: Fault.IMAGE_TOO_LARGE,
}


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A field of a response schema."""

    name: str
    type: str
    values: tuple[str, ...] = ()
    description: str = ""


class DemoAnswers:
    """An ``Answerer`` with the demo model, as an async context manager.

    Concurrent requests for the same image fetch and encode it once, and the vectors of the last
    1,024 contents are cached.
    """

    def __init__(self, buckets: ReadImage, encoder: CardedEncoder, *, threads: int = 2) -> None:
        self._encoder = encoder
        self._buckets = buckets
        self._line = EncodingLine(encoder, decode_threads=threads)
        self._fetching = SharedWork(self._fetched)
        self._vectors_by_content: OrderedDict[bytes, Vector] = OrderedDict()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._line)
            await stack.enter_async_context(self._fetching)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def generate(self, model: str, request: GenerateRequest) -> object:  # noqa: ARG002 - one model
        """Answer the fields of the schema; several images get one common answer."""
        if request.schema is None:
            return "The demo model answers questions with a response schema only."
        fields = fields_of(request.schema)
        if not request.images:
            return completed(fields, {})
        vector = mean_direction(await self._vectors(request.images))
        kinds = await self._line.asset_types_asked(fields)
        return completed(fields, await self._line.answer(fields, vector, asset_types=kinds))

    async def embed(self, model: str, request: Embed) -> Sequence[float]:
        """Return the vector of the images or, without images, of the text."""
        own = self._encoder.dimension
        if request.dimension != own:
            raise CannotAnswerError(
                Fault.INVALID_ARGUMENT,
                f"{model} is played by the demo model here, whose vectors have {own} dimensions and"
                f" not {request.dimension}; ask for {own}.",
            )
        if request.images:
            return _plain(mean_direction(await self._vectors(request.images)))
        return _plain(await self._line.text_vector(request.text.removeprefix(QUERY_PREFIX)))

    async def _vectors(self, images: Sequence[Image]) -> list[Vector]:
        vectors: list[Vector] = []
        outcomes = await asyncio.gather(*map(self._vector, images), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            vectors.append(outcome)
        return vectors

    async def _vector(self, image: Image) -> Vector:
        if image.content is not None:
            return await self._encoded(image.uri, image.content)
        try:
            return await self._fetching.get(image.uri)
        except TransientError as error:
            raise CannotAnswerError(Fault.UNAVAILABLE) from error

    async def _fetched(self, uri: str) -> Vector:
        return await self._encoded(uri, await self._buckets.read(uri))

    async def _encoded(self, uri: str, content: bytes) -> Vector:
        key = hashlib.blake2b(content, digest_size=16).digest()
        if key in self._vectors_by_content:
            self._vectors_by_content.move_to_end(key)
            return self._vectors_by_content[key]

        def read() -> tuple[None, Picture.Image]:
            size = self._encoder.preferred_size
            return None, decode_image(content, uri, max_pixels=MOST_PIXELS, preferred_size=size)

        try:
            _, vector = await self._line.image_vector(read)
        except PermanentError as error:
            fault = _FAULTS.get(error.reason, Fault.INVALID_ARGUMENT)
            raise CannotAnswerError(fault) from error
        except TransientError as error:
            raise CannotAnswerError(Fault.UNAVAILABLE) from error
        self._vectors_by_content[key] = vector
        while len(self._vectors_by_content) > _CACHED_VECTORS:
            self._vectors_by_content.popitem(last=False)
        return vector


def fields_of(schema: Mapping[str, Any]) -> list[SchemaField]:
    """Return the fields of a response schema (names and types as ``requests`` leaves them).

    Raises:
        CannotAnswerError: it is not an object of plain fields.
    """
    properties = schema.get("properties")
    if schema["type"] != "OBJECT" or not isinstance(properties, Mapping):
        raise CannotAnswerError(
            Fault.INVALID_ARGUMENT, "The demo model answers with an object of plain fields only."
        )
    names = schema.get("propertyOrdering") or list(properties)
    return [_field(name, properties[name]) for name in names if name in properties]


def _field(name: str, schema: Mapping[str, Any]) -> SchemaField:
    if schema["type"] not in _TYPES:
        raise CannotAnswerError(
            Fault.INVALID_ARGUMENT, f"The demo model has no answer of type {schema['type']}."
        )
    kind = "enum" if schema.get("enum") else _TYPES[schema["type"]]
    return SchemaField(
        name, kind, tuple(schema.get("enum", ())), str(schema.get("description", ""))
    )


def _plain(vector: Vector) -> list[float]:
    return cast("list[float]", vector.tolist())
