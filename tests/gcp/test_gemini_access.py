"""A token that is revoked early is renewed once; proxies are looked up once for each session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from google.auth import exceptions

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.vertex_location import VertexLocation
from sightline.http_client.session import open_session
from sightline.prices import load_prices
from tests.gcp.conftest import DAY


class Credentials:
    """Credentials whose tokens are numbered, and always seem valid."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.number = 1
        self.valid = True
        self.fails = fails

    @property
    def token(self) -> str:
        return f"token-{self.number}"

    def refresh(self, _: object) -> None:
        if self.fails is not None:
            raise self.fails
        self.number += 1


class Service:
    """A service that accepts one token, and counts the tokens that it receives."""

    def __init__(self) -> None:
        self.lets_in = "token-2"
        self.seen: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.seen.append(token)
        if token != self.lets_in:
            error = {"code": 401, "status": "UNAUTHENTICATED", "message": "It was revoked."}
            return web.json_response({"error": error}, status=401)
        return web.json_response({"embedding": {"values": [1.0] * 128}})


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    application = web.Application()
    application.router.add_post("/{path:.+}", service.answer)
    async with TestServer(application) as server:
        service.url = str(server.make_url("")).rstrip("/")
        yield service


def opened(service: Service, credentials: Credentials) -> Any:
    return GoogleEmbedder.open(
        model="gemini-embedding-2", dimension=128, place=VertexLocation("p", "global", service.url),
        tokens=GoogleTokens(credentials), prices=load_prices(), today=lambda: DAY, timeout_s=30.0,
    )  # fmt: skip


async def test_a_revoked_token_is_renewed_and_the_call_repeated(
    service: Service,
) -> None:
    credentials = Credentials()
    async with opened(service, credentials) as embedder:
        await embedder.embed_text("a pole")
        await embedder.embed_text("a sign")
    assert service.seen == ["token-1", "token-2", "token-2"]


async def test_calls_that_were_refused_together_share_one_new_token(service: Service) -> None:
    credentials = Credentials()
    async with opened(service, credentials) as embedder:
        await asyncio.gather(*(embedder.embed_text("a pole") for _ in range(20)))
    assert credentials.number == 2


async def test_a_refused_new_token_is_not_renewed_again(
    service: Service,
) -> None:
    service.lets_in = "nobody's"
    async with opened(service, Credentials()) as embedder:
        with pytest.raises(ConfigurationError, match="It was revoked"):
            await embedder.embed_text("a pole")
    assert service.seen == ["token-1", "token-2"]


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        (exceptions.RefreshError, ConfigurationError),
        (exceptions.TransportError, TransientError),
    ],
)
async def test_with_a_token_that_cannot_be_renewed_there_is_one_call(
    fails: type[Exception], error: type[Exception], service: Service
) -> None:
    async with opened(service, Credentials(fails("secret"))) as embedder:
        with pytest.raises(error):
            await embedder.embed_text("a pole")
    assert service.seen == ["token-1"]


@pytest.mark.parametrize(
    ("no_proxy", "through"), [("", True), ("other.example", True), ("127.0.0.1", False)]
)
async def test_calls_go_through_the_environment_s_proxy_unless_it_is_bypassed(
    no_proxy: str, through: bool, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths: list[str] = []

    async def proxy(request: web.Request) -> web.Response:
        paths.append(request.raw_path)
        return web.json_response({})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", proxy)
    async with TestServer(application) as server:
        monkeypatch.setenv("http_proxy", str(server.make_url("")))
        monkeypatch.setenv("no_proxy", no_proxy)
        headers = {"Authorization": "Bearer token-2"}
        async with (
            open_session(service.url, timeout_s=30.0) as session,
            session.post(f"{service.url}/x", headers=headers) as response,
        ):
            assert response.status == 200
    assert bool(service.seen) is not through
    assert bool(paths) is through
