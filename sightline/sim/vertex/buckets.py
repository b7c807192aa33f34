"""Reads images from buckets with Cloud Storage's JSON API, as a model service would.

Jobs also read and write whole files there.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from sightline.sim.vertex.answers import CannotAnswerError
from sightline.sim.vertex.faults import Fault

GOOGLE = "https://storage.googleapis.com"
MOST_BYTES = 31_457_280
"""Gemini's limit for one file in a bucket."""
_URI = re.compile(r"gs://([^/]+)/(.+)", re.DOTALL)
_PIECE_BYTES = 1 << 20


class ReadImage(Protocol):
    """Reads images from buckets."""

    async def read(self, uri: str) -> bytes:
        """Return the content of an image by its ``gs://`` URI.

        Raises:
            CannotAnswerError: it is missing, forbidden, too large, or cannot be reached.
        """
        ...


class Buckets:
    """Buckets at one endpoint, read without credentials; created by ``open``."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: str) -> None:
        self._session = session
        self._endpoint = endpoint.rstrip("/")

    @classmethod
    @asynccontextmanager
    async def open(cls, endpoint: str = GOOGLE, *, timeout_s: float = 30.0) -> AsyncIterator[Self]:
        """Open the connections, and close them on exit."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        ) as session:
            yield cls(session, endpoint)

    async def read(self, uri: str) -> bytes:
        """Return an image's content; raises as ``ReadImage.read`` does."""
        return await self.read_file(uri, most_bytes=MOST_BYTES)

    async def write_file(self, uri: str, content: bytes) -> None:
        """Write an object as a whole; raises as ``ReadImage.read`` does."""
        bucket, name = _parts(uri)
        url = f"{self._endpoint}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
        headers = {"Content-Type": "application/jsonl"}
        try:
            async with self._session.post(
                URL(url, encoded=True), data=content, headers=headers
            ) as response:
                if response.status != 200:
                    raise CannotAnswerError(_FAULTS.get(response.status, Fault.UNAVAILABLE))
        except (aiohttp.ClientError, OSError) as error:
            kind = type(error).__name__
            raise CannotAnswerError(
                Fault.UNAVAILABLE, f"Cloud Storage cannot be written ({kind})."
            ) from error

    async def read_file(self, uri: str, *, most_bytes: int) -> bytes:
        """Return an object's content; raises as ``ReadImage.read`` does."""
        bucket, name = _parts(uri)
        url = f"{self._endpoint}/storage/v1/b/{bucket}/o/{name}?alt=media"
        try:
            # Encoded already: slashes in a name must not become part of the path.
            async with self._session.get(URL(url, encoded=True)) as response:
                return await _content(response, most_bytes)
        except (aiohttp.ClientError, OSError) as error:
            kind = type(error).__name__
            raise CannotAnswerError(
                Fault.UNAVAILABLE, f"Cloud Storage cannot be read ({kind}). Please try again."
            ) from error


def _parts(uri: str) -> tuple[str, str]:
    """Return the bucket and the object's name, quoted for a URL path."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise CannotAnswerError(Fault.INVALID_ARGUMENT, f"Invalid file uri: {uri}")
    return quote(match[1], safe=""), quote(match[2], safe="")


_FAULTS = {
    401: Fault.IMAGE_FORBIDDEN, 403: Fault.IMAGE_FORBIDDEN, 404: Fault.IMAGE_GONE,
}  # fmt: skip


async def _content(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    if response.status in _FAULTS:
        raise CannotAnswerError(_FAULTS[response.status])
    if response.status != 200:
        raise CannotAnswerError(
            Fault.UNAVAILABLE, f"Cloud Storage answered {response.status}. Please try again."
        )
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_chunked(_PIECE_BYTES):
        size += len(piece)
        if size > most_bytes:
            raise CannotAnswerError(Fault.IMAGE_TOO_LARGE)
        pieces.append(piece)
    return b"".join(pieces)
