"""Reads the model and the method from a path, and checks credentials, of both APIs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from sightline.sim.vertex import errors
from sightline.sim.vertex.errors import ErrorReply, InvalidArgumentError
from sightline.sim.vertex.faults import Verb
from sightline.sim.vertex.requests import (
    Embed,
    GenerateRequest,
    read_embed,
    read_generate,
    read_predict,
)

_ON_VERTEX = re.compile(
    r"(?P<resource>projects/[^/]+/locations/(?P<location>[^/]+)/publishers/google/models/"
    r"(?P<model>[^/:]+)):(?P<verb>\w+)"
)
_TUNED = re.compile(
    r"(?P<resource>(?P<model>projects/[^/]+/locations/(?P<location>[^/]+)/endpoints/[^/:]+))"
    r":(?P<verb>generateContent)"
)
_BY_KEY = re.compile(r"(?P<resource>models/(?P<model>[^/:]+)):(?P<verb>\w+)")
_MULTI_REGIONS = frozenset({"us", "eu", "global"})


@dataclass(frozen=True, slots=True)
class Call:
    """The parts of a call that its path contains; calls by key have no location.

    The model is the name of a Google model, or the endpoint of a tuned one.
    """

    resource: str
    location: str
    model: str
    verb: Verb
    by_key: bool

    @property
    def served_here(self) -> bool:
        """Whether the model is served here: Gemini 3 only by key and in multi-regions."""
        if self.by_key:
            return self.verb is not Verb.PREDICT
        return not self.model.startswith("gemini-3") or self.location in _MULTI_REGIONS


class RejectedError(Exception):
    """The call was rejected before it reached the model."""

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply.message)
        self.reply = reply


def call_of(path: str) -> Call | None:
    """Return the call in a path (after the version); ``None`` if the path is another."""
    match = _ON_VERTEX.fullmatch(path) or _TUNED.fullmatch(path) or _BY_KEY.fullmatch(path)
    if match is None or match["verb"] not in list(Verb):
        return None
    named = match.groupdict()
    by_key = "location" not in named
    return Call(
        named["resource"], named.get("location", ""), named["model"], Verb(named["verb"]), by_key
    )


_Reader = Callable[[object], GenerateRequest | Embed]
_READERS: Mapping[Verb, _Reader] = {
    Verb.GENERATE: read_generate,
    Verb.EMBED: read_embed,
    Verb.PREDICT: read_predict,
}


def read_call(call: Call, headers: Mapping[str, str], raw: bytes) -> GenerateRequest | Embed:
    """Return the parsed request.

    Raises:
        RejectedError: the call has no credentials, names an unknown model, or is invalid.
    """
    if call.by_key and not headers.get("x-goog-api-key"):
        raise RejectedError(errors.without_key())
    if not call.by_key and not re.fullmatch(r"Bearer \S+", headers.get("Authorization", "")):
        raise RejectedError(errors.without_credentials())
    if not call.served_here:
        raise RejectedError(errors.no_such_model(call.resource))
    try:
        body = orjson.loads(raw)
        if call.by_key:
            _check_known_by_key(body)
        request = _READERS[call.verb](body)
        if call.by_key:
            _check_inline(request)
    except orjson.JSONDecodeError as error:
        reason = InvalidArgumentError(f"Invalid JSON payload received. {error}")
        raise RejectedError(errors.invalid(reason)) from error
    except InvalidArgumentError as error:
        raise RejectedError(errors.invalid(error)) from error
    return request


def _check_known_by_key(body: object) -> None:
    """Check that a request has no field that only Vertex AI supports."""
    for name in ("labels", "embedContentConfig", "embed_content_config"):
        if isinstance(body, Mapping) and name in body:
            raise InvalidArgumentError(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.', name
            )


def _check_inline(request: GenerateRequest | Embed) -> None:
    if any(image.content is None for image in request.images):
        raise InvalidArgumentError("Invalid or unsupported file uri: it is in a bucket.")
