"""The Gemini API's side of the simulator, by bare HTTP: its paths, its credentials, its fields."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sightline.sim.vertex.server import VertexSimulator
from tests.sim.conftest import request

GENERATE = "v1beta/models/gemini-3.5-flash:generateContent"
EMBED = "v1beta/models/gemini-embedding-2:embedContent"
PART = {
    "inlineData": {"mimeType": "image/jpeg", "data": base64.b64encode(b"\xff\xd8\xff").decode()}
}


@pytest.fixture
async def session(simulator: VertexSimulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.base_url + "/") as session:
        yield session


async def ask(
    session: aiohttp.ClientSession, path: str, body: object, *, code: int, key: str = "a-key"
) -> Any:
    headers = {"x-goog-api-key": key} if key else {}
    async with session.post(path, json=body, headers=headers) as response:
        answer = await response.json()
        assert response.status == code, answer
        return answer


def question(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [*parts, {"text": "What?"}]}], **more}


async def test_a_key_is_as_good_as_a_token(session: aiohttp.ClientSession) -> None:
    assert (await ask(session, GENERATE, question(PART), code=200))["candidates"]
    body = {"content": {"parts": [PART]}, "outputDimensionality": 256}
    assert len((await ask(session, EMBED, body, code=200))["embedding"]["values"]) == 256


async def test_a_call_without_a_key_is_refused(session: aiohttp.ClientSession) -> None:
    error = (await ask(session, GENERATE, question(PART), code=403, key=""))["error"]
    assert error["status"] == "PERMISSION_DENIED"
    assert "unregistered callers" in error["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GENERATE, question(PART, labels={"run": "r1"})),
        (GENERATE, request()),  # its image is in a bucket
        (EMBED, {"content": {"parts": [PART]}, "embedContentConfig": {}}),
    ],
)
async def test_what_only_vertex_ai_knows_is_refused(
    path: str, body: dict[str, Any], session: aiohttp.ClientSession
) -> None:
    assert (await ask(session, path, body, code=400))["error"]["status"] == "INVALID_ARGUMENT"


async def test_there_is_no_predict(session: aiohttp.ClientSession) -> None:
    path = "v1beta/models/multimodalembedding@001:predict"
    error = (await ask(session, path, {}, code=404))["error"]
    assert error["status"] == "NOT_FOUND"
    assert "is not found for API version" in error["message"]
