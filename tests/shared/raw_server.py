"""A server that sends bytes as a script says, whatever HTTP thinks of them, and counts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

Script = Callable[[], AsyncIterator[bytes]]


@dataclass
class RawServer:
    """Where it is, and how much it got rid of."""

    url: str = ""
    sent_bytes: int = 0
    requests: int = 0


@asynccontextmanager
async def raw_server(script: Script) -> AsyncIterator[RawServer]:
    """Serve the script to each request, until its client goes away."""
    server = RawServer()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            server.requests += 1
            async for piece in script():
                writer.write(piece)
                await writer.drain()
                server.sent_bytes += len(piece)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has read enough
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server


def head(*headers: str, status: str = "200 OK") -> bytes:
    """Return the head of a response."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode()


def chunk(content: bytes) -> bytes:
    """Return a chunk of a chunked body."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def whole(*pieces: bytes) -> Script:
    """Return the script that sends these pieces, and closes."""

    async def script() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return script


def endless(first: bytes, piece: bytes) -> Script:
    """Return the script that never ends."""

    async def script() -> AsyncIterator[bytes]:
        yield first
        while True:
            yield piece

    return script
