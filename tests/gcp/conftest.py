"""The real adapters against the simulator, over a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest

from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.vertex_location import VertexLocation
from sightline.model import Observation
from sightline.prices import load_prices
from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import TaskSpec, load_tasks, shipped_directory

GEMINI = "gemini-3.5-flash"
TOKEN = "ya29.a-very-secret-token"  # the shape of a real one
DAY = date(2026, 11, 20)


def seen(number: int = 1) -> Observation:
    """Return an observation of one image."""
    return Observation(
        observation_id=f"o{number}",
        asset_id="a1",
        snapshot_id="s1",
        asset_type="ASSET_CLASS_ROAD_SIGN",
        gcs_uri=f"gs://images/s1/v0/o{number}.jpg",
    )


@pytest.fixture
def task() -> TaskSpec:
    return load_tasks((shipped_directory(),))["road_signs"].resolve(GEMINI)


@pytest.fixture
async def simulator() -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator() as simulator:
        yield simulator


@pytest.fixture
async def classifier(simulator: VertexSimulator) -> AsyncIterator[GeminiClassifier]:
    async with GeminiClassifier.open(
        model=GEMINI,
        place=VertexLocation("p", "global", simulator.base_url),
        tokens=GoogleTokens.fixed(TOKEN),
        prices=load_prices(),
        today=lambda: DAY,
        timeout_s=30.0,
    ) as classifier:
        yield classifier


@pytest.fixture(params=[("gemini-embedding-2", 768), ("multimodalembedding@001", 512)])
async def embedder(
    simulator: VertexSimulator, request: pytest.FixtureRequest
) -> AsyncIterator[GoogleEmbedder]:
    model, dimension = request.param
    location = "global" if model.startswith("gemini") else "us-central1"
    async with GoogleEmbedder.open(
        model=model,
        dimension=dimension,
        place=VertexLocation("p", location, simulator.base_url),
        tokens=GoogleTokens.fixed(TOKEN),
        prices=load_prices(),
        today=lambda: DAY,
        timeout_s=30.0,
    ) as embedder:
        yield embedder
