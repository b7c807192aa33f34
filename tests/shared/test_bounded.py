"""A response is read as far as its bound: endless, packed, lying, cut short; memory stays flat."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import aiohttp
import pytest

from sightline.errors import Reason
from sightline.http_client.bounded import ResponseTooLargeError
from sightline.http_client.session import open_session
from tests.shared.raw_server import Script, chunk, endless, head, raw_server, whole

BOUND = 1_000_000
SMALL = b'{"a": "b"}' * 100
CHUNKED = "Transfer-Encoding: chunked"
PIECE = chunk(b" " * 65536)


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def sized(content: bytes, *headers: str, status: str = "200 OK") -> Script:
    return whole(head(f"Content-Length: {len(content)}", *headers, status=status), content)


async def read(script: Script, *, timeout_s: float = 30.0) -> tuple[int, bytes]:
    """Return the status and the body as a client of ours reads it."""
    async with (
        raw_server(script) as server,
        open_session(server.url, timeout_s=timeout_s, most_bytes=BOUND) as session,
        session.post(server.url, data=b"{}") as response,
    ):
        return response.status, await response.read()


@pytest.mark.parametrize(
    "script",
    [
        sized(SMALL),
        sized(gzip.compress(SMALL), "Content-Encoding: gzip"),
        sized(gzip.compress(SMALL), "Content-Encoding: X-GZIP"),
        sized(gzip.compress(SMALL[:300]) + gzip.compress(SMALL[300:]), "Content-Encoding: gzip"),
        sized(zlib.compress(SMALL), "Content-Encoding: deflate"),
        sized(raw_deflate(SMALL), "Content-Encoding: deflate"),
        whole(head(CHUNKED), *map(chunk, (SMALL[:7], SMALL[7:])), b"0\r\n\r\n"),
        whole(head("Connection: close"), SMALL),
    ],
)
async def test_what_is_small_enough_is_read_whole(script: Script) -> None:
    assert await read(script) == (200, SMALL)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_a_body_of_just_the_bound_is_read_and_one_more_byte_is_too_much(
    encoding: str,
) -> None:
    packs: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes,
    }  # fmt: skip
    pack = packs[encoding]
    named = f"Content-Encoding: {encoding}"
    assert await read(sized(pack(b"x" * BOUND), named)) == (200, b"x" * BOUND)
    with pytest.raises(ResponseTooLargeError):
        await read(sized(pack(b"x" * (BOUND + 1)), named))


BOMB = bytes(200 * BOUND)
TOO_LARGE = {
    "an endless body": endless(head(CHUNKED), PIECE),
    "an endless body without a length": endless(head("Connection: close"), b" " * 65536),
    "a length that never comes": endless(head("Content-Length: 999999999999"), b" " * 65536),
    "gzip that unpacks to a lot": sized(gzip.compress(BOMB), "Content-Encoding: gzip"),
    "deflate that unpacks to a lot": sized(zlib.compress(BOMB), "Content-Encoding: deflate"),
    "raw deflate that does": sized(raw_deflate(BOMB), "Content-Encoding: deflate"),
    "members of gzip without end": endless(
        head(CHUNKED, "Content-Encoding: gzip"), chunk(gzip.compress(b"") * 1000)
    ),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
async def test_what_is_too_large_is_refused_with_a_reason_and_no_more_memory_than_the_bound(
    kind: str,
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError, match=r"1,000,000 bytes") as caught:
            await read(TOO_LARGE[kind])
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.reason is Reason.ANSWER_TOO_LARGE
    assert peak_bytes < 5 * BOUND


async def test_of_a_body_without_end_little_more_than_the_bound_is_taken_from_the_server() -> None:
    async with (
        raw_server(endless(head(CHUNKED), PIECE)) as server,
        open_session(server.url, timeout_s=30.0, most_bytes=BOUND) as session,
    ):
        for number in range(1, 6):
            with pytest.raises(ResponseTooLargeError):
                async with session.post(server.url, data=b"") as response:
                    await response.read()
            assert server.requests == number
        buffers = 10 * BOUND  # of both sockets
        assert server.sent_bytes < 5 * (BOUND + buffers)


@pytest.mark.parametrize("status", ["400 Bad Request", "429 Too Many Requests", "503 Unwell"])
async def test_the_status_of_an_error_without_end_is_heard(status: str) -> None:
    code, body = await read(endless(head(CHUNKED, status=status), PIECE))
    assert code == int(status[:3])
    assert len(body) == BOUND


@pytest.mark.parametrize(
    "script",
    [
        sized(SMALL, "Content-Encoding: br"),
        sized(SMALL, "Content-Encoding: gzip, gzip"),
        sized(SMALL, "Content-Encoding: gzip"),
        sized(gzip.compress(SMALL)[:-9], "Content-Encoding: gzip"),
        sized(zlib.compress(SMALL)[:-5], "Content-Encoding: deflate"),
        whole(head("Content-Length: 5000"), SMALL),
        whole(head(CHUNKED), chunk(SMALL)),
        endless(head()[:-2], b"X-More: and more\r\n"),
        endless(head()[:-2] + b"X-More: ", b"and more "),
    ],
)
async def test_what_is_broken_or_in_no_encoding_that_was_asked_for_is_a_failed_connection(
    script: Script,
) -> None:
    with pytest.raises(aiohttp.ClientError):
        await read(script)
