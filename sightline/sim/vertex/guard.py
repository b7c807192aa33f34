"""Refuses requests from web pages of other sites, by their Host, Origin and Sec-Fetch-Site headers.

The service needs no credentials, and its control API changes its behaviour. On loopback this is
safe only if no page of another site can send requests to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web
from aiohttp.typedefs import Middleware

from sightline.http_client.hosts import FORBIDDEN, HostRule

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def guarding(rule: Callable[[], HostRule]) -> Middleware:
    """Return the middleware; ``rule`` is called for each request, when the port is known."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = {name: request.headers.getall(name, []) for name in ("Host", "Origin")}
        refused = rule().refuses(headers)
        if refused is None and request.headers.get("Sec-Fetch-Site") == "cross-site":
            refused = FORBIDDEN  # an image or a form of a page that sends no Origin
        if refused is None:
            return await handler(request)
        message = "the request names another host, or comes from another site; see --allow-host"
        return web.Response(
            body=orjson.dumps({"error": {"code": refused, "message": message}}),
            status=refused,
            content_type="application/json",
        )

    return guard
