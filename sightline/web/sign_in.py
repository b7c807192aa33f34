"""The page that is shown without a session: a field for a token."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from sightline.web.shell import render


def sign_in_page(request: Request, *, again: bool = False, problem: str = "") -> Response:
    """Return the page; with ``again`` it first leads to the same address, from this site."""
    content = render("sign_in.html", request, again=again, problem=problem)
    status = HTTPStatus.OK if again else HTTPStatus.UNAUTHORIZED
    return Response(content, status, {"cache-control": "no-store"}, "text/html")
