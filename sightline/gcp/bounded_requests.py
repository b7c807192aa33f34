"""Limits the size of responses in Google's libraries that use ``requests``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from requests import PreparedRequest, RequestException, Response, Session
from requests.adapters import HTTPAdapter

MOST_RESPONSE_BYTES = 64 << 20
"""The largest response is a page of BigQuery rows, 20 MB; a page of jobs has a few."""
_PIECE_BYTES = 1 << 16


class ResponseTooLargeError(RequestException):
    """A response is larger than the limit."""


def bound_responses(session: Session, most_bytes: int = MOST_RESPONSE_BYTES) -> None:
    """Limit all responses of a session to ``most_bytes`` decompressed bytes; more is an error.

    Adapters of other kinds, such as those for client certificates, are not replaced.
    """
    for prefix in ("https://", "http://"):
        if type(session.get_adapter(prefix)) is HTTPAdapter:
            session.mount(prefix, _BoundedAdapter(most_bytes))


class _BoundedAdapter(HTTPAdapter):
    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most_bytes = most_bytes

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        response = super().build_response(req, resp)
        response.raw = _BoundedBody(response.raw, self._most_bytes)
        return response


class _BoundedBody:
    """The body of a response; urllib3 decompresses no more at a time than requested."""

    def __init__(self, raw: Any, most_bytes: int) -> None:
        self._raw = raw
        self._most_bytes = most_bytes

    def stream(
        self, amt: int = _PIECE_BYTES, decode_content: bool | None = None
    ) -> Iterator[bytes]:
        """Yield the content in pieces.

        Raises:
            ResponseTooLargeError: the content exceeds the limit.
        """
        size = 0
        for piece in self._raw.stream(min(amt, _PIECE_BYTES), decode_content=decode_content):
            size += len(piece)
            if size > self._most_bytes:
                self._raw.close()
                raise ResponseTooLargeError(f"more than {self._most_bytes:,} bytes")
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)
