"""A ``BigQueryWrite`` server with a response for each request that a test sets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.cloud.bigquery_storage_v1 import types
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status  # type: ignore[import-untyped]  # it has no types

from sightline.gcp.bigquery.place import BigQueryPlace
from tests.waiting import GIVE_UP_S

SERVICE = "google.cloud.bigquery.storage.v1.BigQueryWrite"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer a request with an error, and continue."""

    code: grpc.StatusCode
    message: str = "no"
    details: Sequence[Packed] = ()
    row_errors: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True)
class Break:
    """End the call with an error instead of a response; ``OK`` closes it without one."""

    code: grpc.StatusCode
    message: str = "no"
    details: Sequence[Packed] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Answer once the event is set."""

    until: asyncio.Event


@dataclass(frozen=True, slots=True)
class AnswerThenBreak:
    """Answer, and then end the call, as the service does with an idle one."""


Answer = Refuse | Break | Hold | AnswerThenBreak


class AppendServer:
    """The received requests and the next responses; by default, every request succeeds."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.stream_errors: deque[Break] = deque()
        self.requests: list[Any] = []
        self.metadata: list[tuple[tuple[str, Any], ...]] = []
        self.connections = 0
        self.idle = asyncio.Event()
        self._open_connections = 0
        self.arrived = asyncio.Condition()
        self.schema: Sequence[types.TableFieldSchema] = ()

    @property
    def rows(self) -> list[bytes]:
        """All received rows, including refused ones."""
        return [row for request in self.requests for row in request.proto_rows.rows.serialized_rows]

    async def wait_for(self, count: int) -> None:
        """Wait until ``count`` requests were received."""
        async with self.arrived, asyncio.timeout(GIVE_UP_S):
            await self.arrived.wait_for(lambda: len(self.requests) >= count)

    async def wait_until_idle(self) -> None:
        """Wait until all connections have ended, which the server notices after the client."""
        async with asyncio.timeout(GIVE_UP_S):
            await self.idle.wait()

    async def append_rows(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        """Serve ``AppendRows``."""
        self.connections += 1
        self._open_connections += 1
        self.idle.clear()
        self.metadata.append(tuple(context.invocation_metadata()))
        try:
            async for request in requests:
                async with self.arrived:
                    self.requests.append(types.AppendRowsRequest.pb(request))
                    self.arrived.notify_all()
                answer = self.answers.popleft() if self.answers else None
                if isinstance(answer, Hold):
                    await answer.until.wait()
                if isinstance(answer, Break):
                    await _end(context, answer)
                    return
                yield _response(answer)
                if isinstance(answer, AnswerThenBreak):
                    await _end(context, Break(grpc.StatusCode.ABORTED, "idle for too long"))
        finally:
            self._open_connections -= 1
            if not self._open_connections:
                self.idle.set()

    async def get_write_stream(self, request: Any, context: Any) -> types.WriteStream:
        """Serve ``GetWriteStream``."""
        if self.stream_errors:
            await _end(context, self.stream_errors.popleft())
        schema = types.TableSchema(fields=self.schema)
        return types.WriteStream(name=request.name, table_schema=schema)


async def _end(context: Any, how: Break) -> None:
    if how.code is not grpc.StatusCode.OK:
        status = Status(code=how.code.value[0], message=how.message, details=how.details)
        await context.abort_with_status(rpc_status.to_status(status))


def _response(answer: Answer | None) -> types.AppendRowsResponse:
    if not isinstance(answer, Refuse):
        return types.AppendRowsResponse(append_result=types.AppendRowsResponse.AppendResult())
    response = types.AppendRowsResponse.pb(types.AppendRowsResponse())
    response.error.code = answer.code.value[0]
    response.error.message = answer.message
    response.error.details.extend(answer.details)
    for index, message in answer.row_errors:
        response.row_errors.add(index=index, message=message)
    return types.AppendRowsResponse(response)


@asynccontextmanager
async def run_append_server() -> AsyncIterator[tuple[AppendServer, BigQueryPlace]]:
    """Run a server on a port of its own; yield it, and a dataset there."""
    served = AppendServer()
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    handlers = {
        "AppendRows": grpc.stream_stream_rpc_method_handler(
            served.append_rows,
            request_deserializer=types.AppendRowsRequest.deserialize,
            response_serializer=types.AppendRowsResponse.serialize,
        ),
        "GetWriteStream": grpc.unary_unary_rpc_method_handler(
            served.get_write_stream,
            request_deserializer=types.GetWriteStreamRequest.deserialize,
            response_serializer=types.WriteStream.serialize,
        ),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield served, BigQueryPlace("p", "d", storage_endpoint=f"127.0.0.1:{port}")
    finally:
        await server.stop(grace=None)
