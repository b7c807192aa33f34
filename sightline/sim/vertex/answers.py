"""The port for models, and a model that generates valid answers immediately."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.requests import Embed, GenerateRequest


class CannotAnswerError(Exception):
    """The model cannot answer, for a reason that the service reports, such as a missing image.

    ``message`` replaces the error's usual message.
    """

    def __init__(self, fault: Fault, message: str = "") -> None:
        super().__init__(message or fault.value)
        self.fault = fault
        self.message = message


class Answerer(Protocol):
    """A model behind the service.

    Both methods raise ``CannotAnswerError``; neither may block the event loop.
    """

    async def generate(self, model: str, request: GenerateRequest) -> object:
        """Return the answer: a JSON value of the request's schema, or text without a schema."""
        ...

    async def embed(self, model: str, request: Embed) -> Sequence[float]:
        """Return the vector of a request, with its dimension and any length."""
        ...


class MadeUpAnswers:
    """Generates valid answers and vectors that depend only on model, images, texts and schema."""

    async def generate(self, model: str, request: GenerateRequest) -> object:
        """Return an answer that matches the schema."""
        seed = "\n".join([model, *(image.uri for image in request.images)])
        if request.schema is None:
            return f"A made up answer, number {_number(seed) % 1000}."
        return _value(request.schema, seed)

    async def embed(self, model: str, request: Embed) -> Sequence[float]:
        """Return a vector that is not of unit length."""
        seed = "\n".join([model, *(image.uri for image in request.images), request.text])
        dice = np.random.default_rng(_number(seed))
        vector: list[float] = (dice.standard_normal(request.dimension) * 0.03).tolist()
        return vector


def _number(seed: str) -> int:
    return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest(), "big")


def _value(schema: Mapping[str, Any], seed: str) -> object:
    """Return a value of a schema (names and types as ``requests`` leaves them)."""
    chance = _number(seed)
    if schema.get("enum"):
        return schema["enum"][chance % len(schema["enum"])]
    makers: dict[str, Callable[[], object]] = {
        "OBJECT": lambda: {
            name: _value(schema["properties"][name], f"{seed}.{name}")
            for name in schema.get("propertyOrdering") or schema["properties"]
        },
        "ARRAY": lambda: list(
            dict.fromkeys(
                _value(schema["items"], f"{seed}[{place}]") for place in range(chance % 3)
            )
        ),
        "BOOLEAN": lambda: chance % 2 == 1,
        "INTEGER": lambda: _between(schema, chance),
        "NUMBER": lambda: _between(schema, chance),
        "NULL": lambda: None,
    }
    return makers.get(schema["type"], lambda: f"Made up, number {chance % 1000}.")()


def _between(schema: Mapping[str, Any], chance: int) -> int | float:
    low = float(schema.get("minimum", 0))
    high = float(schema.get("maximum", low + 10))
    if schema["type"] == "INTEGER":
        first, last = int(np.ceil(low)), int(np.floor(high))
        return first + chance % (max(last - first, 0) + 1)
    return low + (high - low) * (chance % 1001) / 1000
