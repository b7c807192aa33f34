"""What every request passes first: the host, the visitor, the origin of a write, its size."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightline.web.access.cross_site import SAFE_METHODS, is_own_host, is_same_origin
from sightline.web.access.door import Door
from sightline.web.access.roles import Visitor
from sightline.web.errors import RequestRefusedError, error_response
from sightline.web.sign_in import sign_in_page

CSRF_HEADER = "x-csrf-token"
OPEN_PATHS = ("/static/", "/sign-in", "/healthz")
"""What anyone may read: nothing of the project."""
MOST_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Rules:
    """``hosts`` are the server's names; ``headers`` those of each response.

    ``root_path`` is the prefix under which a proxy serves the page, such as ``/sightline``.
    ``most_body_bytes`` are paths with larger bodies than others.
    """

    hosts: Collection[str] = ()
    root_path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    most_body_bytes: Mapping[str, int] = field(default_factory=dict)


class Guard:
    """Middleware that refuses a request before any route sees it."""

    def __init__(self, app: ASGIApp, door: Door, rules: Rules) -> None:
        self._app = app
        self._door = door
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its visitor, or respond with the reason."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # nothing here speaks over web sockets

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._rules.headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        scope = self._below_prefix(scope)
        request = Request(scope)
        try:
            refusal = self._refusal(request)
        except RequestRefusedError as error:
            refusal = error_response(error.status, str(error))
        if refusal is not None:
            await refusal(scope, receive, with_headers)
            return
        most = self._rules.most_body_bytes.get(_path(request), MOST_BODY_BYTES)
        await self._app(scope, _bounded(receive, most), with_headers)

    def _below_prefix(self, scope: Scope) -> Scope:
        """Return the request with the prefix in its path, whether or not the proxy removed it."""
        root, path = self._rules.root_path, scope["path"]
        if not root:
            return scope
        is_whole = path == root or path.startswith(f"{root}/")
        return {**scope, "root_path": root, "path": path if is_whole else root + path}

    def _refusal(self, request: Request) -> Response | None:
        if not is_own_host(request.headers.get("host", ""), self._rules.hosts):
            raise RequestRefusedError(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this is not the name of this server; open the URL that `sightline gallery` prints,"
                " or start it with --allow-host NAME",
            )
        visitor = self._door.visitor(request.headers, request.cookies)
        request.scope.setdefault("state", {})["visitor"] = visitor
        if request.method not in SAFE_METHODS:
            _check_write(request, visitor)
        if visitor is None and not _path(request).startswith(OPEN_PATHS):
            return _unknown(request)
        return None


def _check_write(request: Request, visitor: Visitor | None) -> None:
    if visitor is not None and visitor.is_script:
        return
    if not is_same_origin(request.headers):
        raise RequestRefusedError(
            HTTPStatus.FORBIDDEN, "another site sent this; open the page itself and try again"
        )
    if visitor is not None and not visitor.has_csrf(request.headers.get(CSRF_HEADER, "")):
        raise RequestRefusedError(
            HTTPStatus.FORBIDDEN,
            "the X-CSRF-Token header is missing or old; load the page again",
        )


def _unknown(request: Request) -> Response:
    """Return the response to a request without a session.

    A browser leaves out a strict cookie when another site leads here; a page of ours that leads to
    the same address brings it.
    """
    if "text/html" in request.headers.get("accept", "") and request.method == "GET":
        from_elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
        return sign_in_page(request, again=from_elsewhere)
    return error_response(
        HTTPStatus.UNAUTHORIZED, "not signed in; open the URL that `sightline gallery` prints"
    )


def _path(request: Request) -> str:
    """Return the path below the prefix."""
    root: str = request.scope.get("root_path", "")
    path: str = request.scope["path"]
    return path.removeprefix(root) or "/"


def _bounded(receive: Receive, most: int) -> Receive:
    """Return the same stream of a body, which fails beyond so many bytes."""
    size = 0

    async def receive_some() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            # FastAPI passes on only this class of errors from reading a body.
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {most:,} bytes"
            )
        return message

    return receive_some
