"""Answers the request lines of a batch prediction job, as the service answers calls."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson

from sightline.sim.vertex import errors
from sightline.sim.vertex.answers import CannotAnswerError
from sightline.sim.vertex.calls import Call
from sightline.sim.vertex.errors import ErrorReply, InvalidArgumentError
from sightline.sim.vertex.faults import ANSWERED_WITH_200, Fault, FaultMix, Verb
from sightline.sim.vertex.requests import Embed, GenerateRequest, read_embed, read_generate
from sightline.sim.vertex.responses import Generated

Reply = Callable[[Call, GenerateRequest | Embed, Fault | None], Awaitable[Generated]]
"""Answers a call; raises ``CannotAnswerError``."""

_INSTEAD = {
    Fault.HANG: Fault.DEADLINE,
    Fault.RESET: Fault.UNAVAILABLE,
    Fault.HALF_BODY: Fault.INTERNAL,
}
"""The faults of lines in place of faults that break a call's connection."""
_NORMALISED = {"systemInstruction": None, "safetySettings": None, "tools": None, "toolConfig": None}
"""Fields that the output adds to a request."""


class LineAnswers:
    """Answers lines with the service's models and its mix of faults, without its quota."""

    def __init__(self, reply: Reply, faults: Callable[[], FaultMix], dice: random.Random) -> None:
        self._reply = reply
        self._faults = faults
        self._dice = dice

    async def answer(self, model: str, line: bytes, *, keys: bool) -> tuple[bytes, bool]:
        """Return the output line for a request line, and whether it contains an answer."""
        verb = Verb.EMBED if "embedding" in model else Verb.GENERATE
        resource = f"projects/p/locations/l/publishers/google/models/{model}"
        call = Call(resource, "global", model, verb, by_key=False)
        uri = ""
        try:
            request = _read(verb, line)
            uri = request.images[0].uri if request.images else ""
            generated = await self._reply(call, request, self._fault(verb))
        except InvalidArgumentError as error:
            return _line(line, keys=keys, error=errors.invalid(error)), False
        except CannotAnswerError as error:
            reply = errors.fault_reply(error.fault, resource=resource, uri=uri, retry_delay_s=1.0)
            error_reply = ErrorReply(reply.status, error.message or reply.message, reply.details)
            return _line(line, keys=keys, error=error_reply), False
        body = generated.body
        if verb is Verb.EMBED:
            body = {"tokenCount": str(generated.input_tokens), "embedding": body["embedding"]}
        return _line(line, keys=keys or verb is Verb.EMBED, response=body), True

    def _fault(self, verb: Verb) -> Fault | None:
        """Draw the fault of a line; return it if it belongs inside an answer.

        Raises:
            CannotAnswerError: the fault replaces the answer.
        """
        fault = self._faults().draw(self._dice.random(), verb)
        if fault is not None and fault not in ANSWERED_WITH_200:
            raise CannotAnswerError(_INSTEAD.get(fault, fault))
        return fault

    def refused(self, line: bytes, *, keys: bool) -> bytes:
        """Return an output line for a request that was throttled."""
        throttled = errors.fault_reply(Fault.THROTTLED, resource="", uri="", retry_delay_s=1.0)
        return _line(line, keys=keys, error=throttled)


def _read(verb: Verb, line: bytes) -> GenerateRequest | Embed:
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidArgumentError(f"Invalid JSON payload received. {error}") from error
    request = raw.get("request") if isinstance(raw, dict) else None
    if verb is Verb.EMBED:
        return read_embed(request)
    for content in request.get("contents", ()) if isinstance(request, dict) else ():
        if isinstance(content, Mapping) and content.get("role") not in {"user", "model"}:
            raise InvalidArgumentError("Please use a valid role: user, model.", "contents.role")
    return read_generate(request)


def _line(
    line: bytes,
    *,
    keys: bool,
    response: Mapping[str, Any] | None = None,
    error: ErrorReply | None = None,
) -> bytes:
    """Return an output line: the normalised request, with its response or error."""
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError:
        raw = {"request": line.decode(errors="replace")}
    request = raw.get("request")
    if isinstance(request, dict) and "contents" in request:
        request = {**_NORMALISED, **request}
    status = ""
    if error is not None:
        status = f"{_phrase(error.code)}: {orjson.dumps(error.body()).decode()}"
    output: dict[str, Any] = {
        "status": status,
        "processed_time": datetime.now(UTC).isoformat(),
        "request": request,
        "response": response or {},
    }
    if keys and "key" in raw:
        output["key"] = raw["key"]
    return orjson.dumps(output, option=orjson.OPT_APPEND_NEWLINE)


def _phrase(code: int) -> str:
    return "Client Closed Request" if code == 499 else HTTPStatus(code).phrase
