"""Reads a response up to a bound on its bytes, both on the wire and after decompression.

A service that sends without end, or a little that decompresses to a lot, costs no more memory than
the bound. The event loop is never blocked for long, so that a stop stays within its grace period.
"""

from __future__ import annotations

import zlib
from typing import Protocol

import aiohttp

from sightline.errors import PermanentError, Reason

ACCEPTED_ENCODINGS = "gzip, deflate"
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class ResponseTooLargeError(PermanentError):
    """A response has more bytes than the bound: ``answer_too_large``; its cost is unknown."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            Reason.ANSWER_TOO_LARGE,
            f"the response has more than {most_bytes:,} bytes; raise models.max_response_bytes if"
            " you trust the service",
        )


def bounded_response_class(most_bytes: int) -> type[aiohttp.ClientResponse]:
    """Return the class of a session's responses, whose ``read`` is bounded.

    The session must not decompress by itself. An error's body is truncated at the bound, since its
    status is sufficient.
    """

    class BoundedResponse(aiohttp.ClientResponse):
        async def read(self) -> bytes:
            """Return the body; raises ResponseTooLargeError, ClientPayloadError."""
            return await _read(self, most_bytes)

    return BoundedResponse


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    decoder = _decoder_of(response.headers.get("Content-Encoding", ""))
    body, received = bytearray(), 0
    async for chunk in response.content.iter_any():
        received += len(chunk)
        try:
            body += decoder.decode(chunk, most_bytes + 1 - len(body))
        except zlib.error:
            response.close()
            raise aiohttp.ClientPayloadError("the body cannot be decompressed") from None
        if max(received, len(body)) > most_bytes:
            response.close()  # and the connection: the rest is not read
            if response.status == 200:
                raise ResponseTooLargeError(most_bytes)
            return bytes(body[:most_bytes])
    if not decoder.complete:
        raise aiohttp.ClientPayloadError("the body ended in the middle")
    return bytes(body)


class _Decoder(Protocol):
    """Decompresses chunk by chunk."""

    @property
    def complete(self) -> bool:
        """Whether the body may end here."""
        ...

    def decode(self, chunk: bytes, most_bytes: int) -> bytes:
        """Return the decompressed chunk, at most ``most_bytes`` (1 or more) of it."""
        ...


class _Identity:
    complete = True

    def decode(self, chunk: bytes, most_bytes: int) -> bytes:
        return chunk[:most_bytes]


class _Inflate:
    """Gzip, with one member or several, and deflate, with or without a zlib header."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._stream = zlib.decompressobj(window_bits)
        self._begun = False

    @property
    def complete(self) -> bool:
        return self._stream.eof or not self._begun

    def decode(self, chunk: bytes, most_bytes: int) -> bytes:
        unpacked = bytearray()
        while chunk and len(unpacked) < most_bytes:
            if self._stream.eof:
                self._stream = zlib.decompressobj(self._window_bits)
            elif not self._begun and self._window_bits == _ZLIB and chunk[0] & 0x0F != 8:
                self._window_bits = _RAW
                self._stream = zlib.decompressobj(_RAW)
            self._begun = True
            unpacked += self._stream.decompress(chunk, most_bytes - len(unpacked))
            chunk = self._stream.unused_data
        return bytes(unpacked)


def _decoder_of(encoding: str) -> _Decoder:
    match encoding.strip().lower():
        case "" | "identity":
            return _Identity()
        case "gzip" | "x-gzip":
            return _Inflate(_GZIP)
        case "deflate":
            return _Inflate(_ZLIB)
        case _:
            raise aiohttp.ClientPayloadError("the body has an encoding that was not requested")
