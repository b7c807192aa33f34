"""A server for the benchmark of the writer: it takes rows of any table at once, and drops them.

Two ports, printed at the start: ``BigQueryWrite`` by gRPC, and ``tabledata.insertAll`` by HTTP. It
lives as long as its standard input.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
from aiohttp import web
from google.cloud.bigquery_storage_v1 import types

SERVICE = "google.cloud.bigquery.storage.v1.BigQueryWrite"
TAKEN = types.AppendRowsResponse.serialize(
    types.AppendRowsResponse(append_result=types.AppendRowsResponse.AppendResult())
)


async def append_rows(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
    """Acknowledge every request, unread."""
    async for _ in requests:
        yield TAKEN


async def get_write_stream(_: bytes, __: Any) -> bytes:
    """Know every stream, and no schema."""
    return bytes(types.WriteStream.serialize(types.WriteStream(name="any")))


async def insert_all(request: web.Request) -> web.Response:
    """Take every row, unread."""
    await request.read()
    return web.json_response({"kind": "bigquery#tableDataInsertAllResponse"})


async def serve() -> None:
    """Serve until the standard input ends."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    handlers = {
        "AppendRows": grpc.stream_stream_rpc_method_handler(append_rows),
        "GetWriteStream": grpc.unary_unary_rpc_method_handler(get_write_stream),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/{path:.*}", insert_all)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(port, runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()
    await server.stop(grace=None)


if __name__ == "__main__":
    asyncio.run(serve())
