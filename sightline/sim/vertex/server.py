"""The server: models at the REST paths of Vertex AI and the Gemini API, and the control API."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

import orjson
from aiohttp import web

from sightline.http_client.hosts import Authority, HostRule
from sightline.sim.vertex import errors
from sightline.sim.vertex.answers import Answerer, CannotAnswerError, MadeUpAnswers
from sightline.sim.vertex.batch_routes import BatchRoutes
from sightline.sim.vertex.buckets import Buckets, ReadImage
from sightline.sim.vertex.calls import Call, RejectedError, call_of, read_call
from sightline.sim.vertex.control import Control
from sightline.sim.vertex.counters import Counters
from sightline.sim.vertex.errors import ErrorReply
from sightline.sim.vertex.faults import ANSWERED_WITH_200, Fault, Verb
from sightline.sim.vertex.guard import guarding
from sightline.sim.vertex.record import ANSWERED, OVER_QUOTA, CallLine, CallRecord
from sightline.sim.vertex.requests import Embed, GenerateRequest
from sightline.sim.vertex.responses import Generated, embedded, generated, predicted
from sightline.sim.vertex.service import Behaviour, Decision, Service
from sightline.sim.vertex.tuning_routes import Tuning

MAX_REQUEST_BYTES = 20 << 20


class VertexSimulator:
    """The server, as an async context manager; it listens at ``base_url``.

    Jobs read their files from ``buckets``. Requests may use ``host_names`` besides the address.
    """

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        answerer: Answerer | None = None,
        buckets: ReadImage | None = None,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        host_names: Sequence[Authority] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counters = Counters()
        self._record = CallRecord()
        self._tuning = Tuning(answerer or MadeUpAnswers(), buckets, now)
        self._answerer: Answerer = self._tuning
        self._now = now
        files = buckets if isinstance(buckets, Buckets) else None
        self.batch = BatchRoutes(
            self._reply_to, lambda: self._service.behaviour.faults, files, seed
        )
        self._service = Service(behaviour or Behaviour(), random.Random(seed), now_s=now())
        self._host = host
        self._port = port
        self._host_names = host_names
        self._stopping = asyncio.Event()
        self._stack = AsyncExitStack()
        self._numbered = 0

    @property
    def base_url(self) -> str:
        """The URL that replaces ``https://…-aiplatform.googleapis.com``."""
        return f"http://{self._host}:{self._port}"

    def behave(self, behaviour: Behaviour) -> None:
        """Replace the behaviour, as a PUT to the control API does."""
        self._service.behave(behaviour, now_s=self._now())

    async def __aenter__(self) -> Self:
        application = web.Application(
            client_max_size=MAX_REQUEST_BYTES,
            middlewares=[guarding(lambda: HostRule(self._host, self._port, self._host_names))],
        )
        application.add_routes(Control(self._service, self.counters, self._now).routes())
        application.add_routes(self._record.routes())
        application.add_routes(self._tuning.routes())
        application.add_routes(self.batch.routes())
        application.router.add_post("/{version:v1|v1beta1}/{path:projects/.+}", self._called)
        application.router.add_post("/{version:v1|v1beta}/{path:models/.+}", self._called)
        application.on_shutdown.append(self._stop)
        runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(runner.cleanup)
            stack.push_async_callback(self.batch.stop)
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
        call = call_of(request.match_info["path"])
        if call is None:
            return web.Response(status=404, text="<!DOCTYPE html><title>Error 404</title>")
        self.counters.arrived(call.verb)
        try:
            return await self._serve(request, call)
        finally:
            self.counters.left()

    async def _serve(self, request: web.Request, call: Call) -> web.StreamResponse:
        try:
            payload = read_call(call, request.headers, await request.read())
        except RejectedError as error:
            self.counters.rejected[call.verb] += 1
            return _reply(error.reply)
        line = self._record.began(call.verb, call.model, payload.images, now_s=self._now())
        try:
            return await self._decide(request, call, payload, line)
        finally:
            line.ended_s = self._now()

    async def _decide(
        self, request: web.Request, call: Call, payload: GenerateRequest | Embed, line: CallLine
    ) -> web.StreamResponse:
        decision = self._service.decide(call.model, call.verb, now_s=self._now())
        await self._take_time(call, decision.delay_s)
        if decision.over_quota:
            self.counters.over_quota[call.verb] += 1
            line.outcome = OVER_QUOTA
            return _reply(_error(call, payload, decision.fault or Fault.THROTTLED, decision))
        fault, message = decision.fault, ""
        try:
            if fault is None or fault in ANSWERED_WITH_200 or fault is Fault.HALF_BODY:
                return await self._answer(request, call, payload, fault, line)
        except CannotAnswerError as error:
            fault, message = error.fault, error.message
        self.counters.faults[fault] += 1
        line.outcome = fault.value
        if fault in {Fault.HANG, Fault.RESET}:
            if fault is Fault.HANG:
                await self._stopping.wait()
            _reset(request)
            return web.Response()
        return _reply(_error(call, payload, fault, decision, message))

    async def _take_time(self, call: Call, delay_s: float) -> None:
        if delay_s <= 0:
            return
        try:
            await asyncio.sleep(delay_s)
        except asyncio.CancelledError:
            self.counters.abandoned[call.verb] += 1
            raise

    async def _answer(
        self,
        request: web.Request,
        call: Call,
        payload: GenerateRequest | Embed,
        fault: Fault | None,
        line: CallLine,
    ) -> web.StreamResponse:
        reply = await self._reply_to(call, payload, fault)
        body = orjson.dumps(reply.body)
        line.outcome = ANSWERED if fault is None else fault.value
        if fault is None:
            self.counters.answered[call.verb] += 1
        else:
            self.counters.faults[fault] += 1
        labels = dict(payload.labels) if isinstance(payload, GenerateRequest) else {}
        self.counters.spent(reply.input_tokens, reply.output_tokens, labels)
        if fault is Fault.HALF_BODY:
            return await _half(request, body)
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    async def _reply_to(
        self, call: Call, payload: GenerateRequest | Embed, fault: Fault | None
    ) -> Generated:
        if isinstance(payload, GenerateRequest):
            answer = await self._answerer.generate(call.model, payload)
            self._numbered += 1
            created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            return generated(
                call.model, payload, answer, fault, created=created, call=self._numbered
            )
        if call.verb is Verb.EMBED:
            return embedded(payload, await self._answerer.embed(call.model, payload))
        image = text = None
        if payload.images:
            image = await self._answerer.embed(
                call.model, Embed(payload.images, "", payload.dimension)
            )
        if payload.text:
            text = await self._answerer.embed(
                call.model, Embed((), payload.text, payload.dimension)
            )
        return predicted(call.resource, image, text)


def _error(
    call: Call,
    payload: GenerateRequest | Embed,
    fault: Fault,
    decision: Decision,
    message: str = "",
) -> ErrorReply:
    if call.by_key and fault is Fault.UNAUTHENTICATED:
        return errors.wrong_key()
    reply = errors.fault_reply(
        fault,
        resource=call.resource,
        uri=payload.images[0].uri if payload.images else "",
        retry_delay_s=decision.retry_delay_s,
    )
    return replace(reply, message=message) if message else reply


def _reply(error: ErrorReply) -> web.Response:
    return web.Response(
        body=orjson.dumps(error.body(), option=orjson.OPT_INDENT_2),
        status=error.code,
        headers=error.headers,
        content_type="application/json",
        charset="utf-8",
    )


async def _half(request: web.Request, body: bytes) -> web.StreamResponse:
    """Send the headers of a complete response and half of its body, then close the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _reset(request: web.Request) -> None:
    """Close the connection with a TCP reset, which a linger time of zero causes."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
