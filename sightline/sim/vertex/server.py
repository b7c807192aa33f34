"""The server: publisher models under their REST paths, and the control API beside them."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import struct
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import orjson
from aiohttp import web

from sightline.sim.vertex import errors
from sightline.sim.vertex.answers import Answerer, CannotAnswerError, MadeUpAnswers
from sightline.sim.vertex.control import Control
from sightline.sim.vertex.counters import Counters
from sightline.sim.vertex.errors import ErrorReply, InvalidArgumentError
from sightline.sim.vertex.faults import ANSWERED_WITH_200, Fault, Verb
from sightline.sim.vertex.requests import (
    Embed,
    Generate,
    read_embed,
    read_generate,
    read_predict,
)
from sightline.sim.vertex.responses import Generated, embedded, generated, predicted
from sightline.sim.vertex.service import Behaviour, Decision, Service

MAX_REQUEST_BYTES = 20 << 20
_METHOD = re.compile(
    r"(?P<resource>projects/[^/]+/locations/(?P<location>[^/]+)/publishers/google/models/"
    r"(?P<model>[^/:]+)):(?P<verb>\w+)"
)
_MULTI_REGIONS = frozenset({"us", "eu", "global"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as far as its path says."""

    resource: str
    location: str
    model: str
    verb: Verb

    @property
    def served_here(self) -> bool:
        """Whether the model is served at the location: Gemini 3 is, from multi-regions only."""
        return not self.model.startswith("gemini-3") or self.location in _MULTI_REGIONS


class VertexSimulator:
    """The server, as an async context manager; ``base_url`` is where it listens."""

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        answerer: Answerer | None = None,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counters = Counters()
        self._answerer = answerer or MadeUpAnswers()
        self._now = now
        self._service = Service(behaviour or Behaviour(), random.Random(seed), now_s=now())
        self._host = host
        self._port = port
        self._stopping = asyncio.Event()
        self._stack = AsyncExitStack()
        self._numbered = 0

    @property
    def base_url(self) -> str:
        """The URL to put in the place of ``https://…-aiplatform.googleapis.com``."""
        return f"http://{self._host}:{self._port}"

    def behave(self, behaviour: Behaviour) -> None:
        """Behave so from now on, as a PUT to the control API does."""
        self._service.behave(behaviour, now_s=self._now())

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=MAX_REQUEST_BYTES)
        application.add_routes(Control(self._service, self.counters, self._now).routes())
        application.router.add_post("/{version:v1|v1beta1}/{path:projects/.+}", self._called)
        application.on_shutdown.append(self._stop)
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runner.cleanup)
            listening = socket.create_server((self._host, self._port), backlog=2048)
            self._port = listening.getsockname()[1]
            await web.SockSite(runner, listening).start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _stop(self, _: web.Application) -> None:
        self._stopping.set()

    async def _called(self, request: web.Request) -> web.StreamResponse:
        found = _METHOD.fullmatch(request.match_info["path"])
        if found is None or found["verb"] not in list(Verb):
            return web.Response(status=404, text="<!DOCTYPE html><title>Error 404</title>")
        call = Call(found["resource"], found["location"], found["model"], Verb(found["verb"]))
        self.counters.arrived(call.verb)
        try:
            return await self._serve(request, call)
        finally:
            self.counters.left()

    async def _serve(self, request: web.Request, call: Call) -> web.StreamResponse:
        try:
            asked = _read(request, call, await request.read())
        except NotTakenError as error:
            self.counters.rejected[call.verb] += 1
            return _reply(error.reply)
        decision = self._service.decide(call.model, call.verb, now_s=self._now())
        await self._take_time(call, decision.delay_s)
        if decision.over_quota:
            self.counters.over_quota[call.verb] += 1
            return _reply(_error(call, asked, decision.fault or Fault.THROTTLED, decision))
        fault = decision.fault
        try:
            if fault is None or fault in ANSWERED_WITH_200 or fault is Fault.HALF_BODY:
                return await self._answer(request, call, asked, fault)
        except CannotAnswerError as error:
            fault = error.fault
        self.counters.faults[fault] += 1
        if fault in {Fault.HANG, Fault.RESET}:
            if fault is Fault.HANG:
                await self._stopping.wait()
            _reset(request)
            return web.Response()
        return _reply(_error(call, asked, fault, decision))

    async def _take_time(self, call: Call, delay_s: float) -> None:
        if delay_s <= 0:
            return
        try:
            await asyncio.sleep(delay_s)
        except asyncio.CancelledError:
            self.counters.abandoned[call.verb] += 1
            raise

    async def _answer(
        self, request: web.Request, call: Call, asked: Generate | Embed, fault: Fault | None
    ) -> web.StreamResponse:
        reply = await self._reply_to(call, asked, fault)
        body = orjson.dumps(reply.body)
        if fault is None:
            self.counters.answered[call.verb] += 1
        else:
            self.counters.faults[fault] += 1
        labels = dict(asked.labels) if isinstance(asked, Generate) else {}
        self.counters.spent(reply.input_tokens, reply.output_tokens, labels)
        if fault is Fault.HALF_BODY:
            return await _half(request, body)
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    async def _reply_to(
        self, call: Call, asked: Generate | Embed, fault: Fault | None
    ) -> Generated:
        if isinstance(asked, Generate):
            answer = await self._answerer.generate(call.model, asked)
            self._numbered += 1
            created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            return generated(call.model, asked, answer, fault, created=created, call=self._numbered)
        if call.verb is Verb.EMBED:
            return embedded(asked, await self._answerer.embed(call.model, asked))
        image = text = None
        if asked.images:
            image = await self._answerer.embed(call.model, Embed(asked.images, "", asked.dimension))
        if asked.text:
            text = await self._answerer.embed(call.model, Embed((), asked.text, asked.dimension))
        return predicted(call.resource, image, text)


def _error(call: Call, asked: Generate | Embed, fault: Fault, decision: Decision) -> ErrorReply:
    return errors.fault_reply(
        fault,
        resource=call.resource,
        uri=asked.images[0].uri if asked.images else "",
        retry_delay_s=decision.retry_delay_s,
    )


class NotTakenError(Exception):
    """The call never reaches the model."""

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply.message)
        self.reply = reply


_READERS: dict[Verb, Callable[[object], Generate | Embed]] = {
    Verb.GENERATE: read_generate,
    Verb.EMBED: read_embed,
    Verb.PREDICT: read_predict,
}


def _read(request: web.Request, call: Call, raw: bytes) -> Generate | Embed:
    if not re.fullmatch(r"Bearer \S+", request.headers.get("Authorization", "")):
        raise NotTakenError(errors.without_credentials())
    if not call.served_here:
        raise NotTakenError(errors.no_such_model(call.resource))
    try:
        return _READERS[call.verb](orjson.loads(raw))
    except orjson.JSONDecodeError as error:
        reason = InvalidArgumentError(f"Invalid JSON payload received. {error}")
        raise NotTakenError(errors.invalid(reason)) from error
    except InvalidArgumentError as error:
        raise NotTakenError(errors.invalid(error)) from error


def _reply(error: ErrorReply) -> web.Response:
    return web.Response(
        body=orjson.dumps(error.body(), option=orjson.OPT_INDENT_2),
        status=error.code,
        headers=error.headers,
        content_type="application/json",
        charset="utf-8",
    )


async def _half(request: web.Request, body: bytes) -> web.StreamResponse:
    """Send the head of a whole response and half of its body, then close the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _reset(request: web.Request) -> None:
    """Close the connection by a TCP reset: a socket that lingers for no time sends one."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
