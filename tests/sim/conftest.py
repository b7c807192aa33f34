"""A simulator on a free port, and a bare HTTP client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from sightline.sim.vertex.server import VertexSimulator

GENERATE = "v1/projects/p/locations/us/publishers/google/models/gemini-3.5-flash:generateContent"
EMBED = "v1/projects/p/locations/us/publishers/google/models/gemini-embedding-2:embedContent"
PREDICT = (
    "v1/projects/p/locations/us-central1/publishers/google/models/multimodalembedding@001:predict"
)
AUTHORISED = {"Authorization": "Bearer a-token"}


@pytest.fixture
async def simulator() -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator() as simulator:
        yield simulator


@pytest.fixture
async def client(simulator: VertexSimulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.base_url + "/", headers=AUTHORISED) as session:
        yield session


Ask = Callable[..., Any]


@pytest.fixture
def ask(client: aiohttp.ClientSession) -> Ask:
    async def post(path: str, body: object, *, code: int = 200) -> Any:
        async with client.post(path, json=body) as response:
            answer = await response.json()
            assert response.status == code, answer
            return answer

    return post


def request(**more: Any) -> dict[str, Any]:
    """Return a valid ``generateContent`` request about one image."""
    return {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"fileData": {"fileUri": "gs://b/1.jpg", "mimeType": "image/jpeg"}},
                    {"text": "What is this?"},
                ],
            }
        ],
        **more,
    }
