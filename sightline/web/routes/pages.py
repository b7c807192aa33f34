"""The pages themselves: one shell for every view, and signing in."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from sightline.web.access.door import WEEK_S, Door
from sightline.web.shell import render
from sightline.web.sign_in import sign_in_page

VIEWS = ("images", "map", "run")
TOKEN = "token"  # noqa: S105 - the name of a parameter
router = APIRouter(include_in_schema=False)


@router.get("/")
def home(request: Request) -> Response:
    """Lead to the first view."""
    return RedirectResponse(f"{_root(request)}/images", HTTPStatus.SEE_OTHER)


@router.get("/healthz")
def healthz() -> Response:
    """Answer a load balancer."""
    return PlainTextResponse("ok\n")


def shell(request: Request) -> Response:
    """Return the shell of a view."""
    view = request.url.path.rsplit("/", 1)[-1]
    return HTMLResponse(render("shell.html", request, view=view))


for _view in VIEWS:
    router.add_api_route(f"/{_view}", shell, methods=["GET"], name=_view)


@router.get("/sign-in")
def sign_in_form(request: Request) -> Response:
    """Exchange the token of a one-time link for a session, and leave it out of the address."""
    tokens = parse_qs(request.url.query).get(TOKEN)
    return _signed_in(request, tokens[0]) if tokens else sign_in_page(request)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Exchange a token that was entered for a session."""
    fields = parse_qs((await request.body()).decode("ascii", "replace"))
    return _signed_in(request, fields.get(TOKEN, [""])[0].strip())


def sign_in_url(base: str, token: str) -> str:
    """Return the address that signs in with a token."""
    return f"{base}/sign-in?{urlencode({TOKEN: token})}"


def _signed_in(request: Request, token: str) -> Response:
    door: Door = request.app.state.door
    session = door.session_for(token)
    if session is None:
        problem = "This token is not valid, or was used. `sightline gallery` prints a new URL."
        return sign_in_page(request, problem=problem)
    response = RedirectResponse(f"{_root(request)}/images", HTTPStatus.SEE_OTHER)
    response.set_cookie(
        door.cookie, session, max_age=int(WEEK_S), path=_root(request) or "/",
        secure=request.url.scheme == "https", httponly=True, samesite="strict",
    )  # fmt: skip
    return response


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root
