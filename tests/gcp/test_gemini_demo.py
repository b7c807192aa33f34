"""The cloud adapters with the simulated demo model return the same as the local engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.vertex_location import VertexLocation
from sightline.local.images import read_bytes
from sightline.local.models import LocalClassifier, LocalEmbedder, LocalVision
from sightline.model import Observation
from sightline.ports import Classifier, Embedder
from sightline.prices import load_prices
from sightline.settings import ImageSettings, ModelSettings
from sightline.sim.vertex.answers import CannotAnswerError
from sightline.sim.vertex.demo_answers import DemoAnswers
from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import load_tasks, shipped_directory
from sightline.vision.encoder import DualEncoder
from sightline.vision.scenes import ASSET_TYPES, render
from sightline.vision.scenes.weather import encode_jpeg
from tests.gcp.conftest import DAY, GEMINI, TOKEN

TASKS = load_tasks((shipped_directory(),))
SCENES = 9


class Folder:
    """A folder that replaces a bucket."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def read(self, uri: str) -> bytes:
        file = self.path / uri.removeprefix("gs://scenes/")
        if not file.exists():
            raise CannotAnswerError(Fault.IMAGE_GONE)
        return await asyncio.to_thread(file.read_bytes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenes = tmp_path_factory.mktemp("scenes")
    for number in range(SCENES):
        content = encode_jpeg(render(ASSET_TYPES[number % 3], 50 + number).image, 85)
        (scenes / f"{number}.jpg").write_bytes(content)
    return scenes


@pytest.fixture
async def simulator(folder: Path) -> AsyncIterator[VertexSimulator]:
    async with (
        DemoAnswers(Folder(folder), DualEncoder.load()) as answers,
        VertexSimulator(answerer=answers) as simulator,
    ):
        yield simulator


@pytest.fixture
async def local() -> AsyncIterator[LocalVision]:
    async with LocalVision.open(ModelSettings(), ImageSettings()) as vision:
        yield vision


@asynccontextmanager
async def on_vertex(url: str) -> AsyncIterator[tuple[Classifier, Embedder]]:
    place, tokens = VertexLocation("p", "global", url), GoogleTokens.fixed(TOKEN)
    async with (
        GeminiClassifier.open(
            model=GEMINI, place=place, tokens=tokens, prices=load_prices(), today=lambda: DAY,
            timeout_s=60.0,
        ) as classifier,
        GoogleEmbedder.open(
            model="gemini-embedding-2", dimension=256, place=place, tokens=tokens,
            prices=load_prices(), today=lambda: DAY, timeout_s=60.0,
        ) as embedder,
    ):  # fmt: skip
        yield classifier, embedder


@asynccontextmanager
async def by_key(url: str) -> AsyncIterator[tuple[Classifier, Embedder]]:
    async def read_image(observation: Observation) -> bytes:
        return await asyncio.to_thread(read_bytes, observation.gcs_uri, max_bytes=20_000_000)

    async with (
        GeminiClassifier.open_with_key(
            model=GEMINI, api_key="a-key", read_image=read_image, prices=load_prices(),
            today=lambda: DAY, timeout_s=60.0, base_url=url,
        ) as classifier,
        GoogleEmbedder.open_with_key(
            model="gemini-embedding-2", dimension=256, api_key="a-key", read_image=read_image,
            prices=load_prices(), today=lambda: DAY, timeout_s=60.0, base_url=url,
        ) as embedder,
    ):  # fmt: skip
        yield classifier, embedder


def seen(folder: Path, number: int, *, in_bucket: bool) -> Observation:
    uri = f"gs://scenes/{number}.jpg" if in_bucket else (folder / f"{number}.jpg").as_uri()
    return Observation(f"o{number}", "a1", "s1", "T", uri)


WAYS = {"on Vertex AI": on_vertex, "by key": by_key}


@pytest.mark.parametrize("way", WAYS)
async def test_answers_and_vectors_are_those_of_the_local_engine(
    way: str, folder: Path, local: LocalVision, simulator: VertexSimulator
) -> None:
    ours, mine = LocalClassifier(local), LocalEmbedder(local)
    known = 0
    async with WAYS[way](simulator.base_url) as (classifier, embedder):
        for number in range(SCENES):
            theirs = seen(folder, number, in_bucket=way == "on Vertex AI")
            here = seen(folder, number, in_bucket=False)
            for name, task in TASKS.items():
                expected = (await ours.classify(task, [here], run_id="r")).answer
                resolved = task.resolve(GEMINI)
                answer = (await classifier.classify(resolved, [theirs], run_id="r")).answer
                assert answer == expected, (name, number)
                known += sum(value not in ("unknown", None, []) for value in answer.values())
            vector = (await embedder.embed_image(theirs, run_id="r")).vector
            assert np.dot(vector, (await mine.embed_image(here, run_id="r")).vector) >= 0.9999
        words = "a leaning wooden pole"
        query = (await embedder.embed_text(words)).vector
        assert np.dot(query, (await mine.embed_text(words)).vector) >= 0.9999
    assert known > SCENES, "hardly anything was answered: this proves nothing"
