"""The demo model behind the simulator gives what the local engine gives for the same files."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from sightline.local.models import LocalClassifier, LocalEmbedder, LocalVision
from sightline.model import Observation
from sightline.settings import ImageSettings, ModelSettings
from sightline.sim.vertex.answers import CannotAnswerError
from sightline.sim.vertex.demo_answers import DemoAnswers, fields_of
from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.requests import Embed, GenerateRequest, Image
from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import TaskSpec, load_tasks, shipped_directory
from sightline.vision.encoder import DualEncoder
from sightline.vision.scenes import ASSET_TYPES, render
from sightline.vision.scenes.weather import encode_jpeg
from sightline.vision.zero_shot import ZeroShot
from tests.sim.conftest import AUTHORISED, EMBED, GENERATE, PREDICT

TASKS = load_tasks((shipped_directory(),))
SCENES = 12


class Held:
    """Images by their URIs; counts how often each is read."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.read_uris: list[str] = []

    async def read(self, uri: str) -> bytes:
        self.read_uris.append(uri)
        if uri not in self.contents:
            raise CannotAnswerError(Fault.IMAGE_GONE)
        return self.contents[uri]


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return DualEncoder.load()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return files of rendered scenes, of each asset type in turn."""
    folder = tmp_path_factory.mktemp("scenes")
    for number in range(SCENES):
        content = encode_jpeg(render(ASSET_TYPES[number % 3], number).image, 85)
        (folder / f"{number:02}.jpg").write_bytes(content)
    return sorted(folder.iterdir())


@pytest.fixture
def held(scenes: list[Path]) -> Held:
    images = Held()
    images.contents = {f"gs://scenes/s 1/{path.name}": path.read_bytes() for path in scenes}
    return images


@pytest.fixture
async def session(held: Held, encoder: DualEncoder) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        DemoAnswers(held, encoder) as answers,
        VertexSimulator(answerer=answers) as simulator,
        aiohttp.ClientSession(simulator.base_url + "/", headers=AUTHORISED) as session,
    ):
        yield session


async def ask(session: aiohttp.ClientSession, path: str, body: object, code: int = 200) -> Any:
    async with session.post(path, json=body) as response:
        reply = await response.json()
        assert response.status == code, reply
        return reply


def image_part(uri: str) -> dict[str, Any]:
    return {"fileData": {"fileUri": uri, "mimeType": "image/jpeg"}}


def question(task: TaskSpec, parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "contents": [{"role": "user", "parts": [*parts, {"text": task.prompt}]}],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseSchema": task.response_schema(),
        },
    }


async def answer(
    session: aiohttp.ClientSession, task: TaskSpec, parts: Sequence[dict[str, Any]]
) -> Any:
    response = await ask(session, GENERATE, question(task, parts))
    return json.loads(response["candidates"][0]["content"]["parts"][0]["text"])


def local(path: Path) -> Observation:
    return Observation(path.stem, "a", "s", "T", path.as_uri())


async def test_answers_and_vectors_are_those_of_the_local_engine(
    scenes: list[Path], held: Held, session: aiohttp.ClientSession
) -> None:
    known = 0
    async with LocalVision.open(ModelSettings(), ImageSettings()) as vision:
        classifier, embedder = LocalClassifier(vision), LocalEmbedder(vision)
        for path, uri in zip(scenes, held.contents, strict=True):
            for task in TASKS.values():
                ours = (await classifier.classify(task, [local(path)], run_id="r")).answer
                theirs = await answer(session, task, [image_part(uri)])
                assert theirs == ours, (task.name, uri)
                known += sum(value not in ("unknown", None, []) for value in ours.values())
            body = {
                "content": {"parts": [image_part(uri)]},
                "embedContentConfig": {"outputDimensionality": 256},
            }
            vector = (await ask(session, EMBED, body))["embedding"]["values"]
            mine = (await embedder.embed_image(local(path), run_id="r")).vector
            assert float(np.dot(vector, mine)) >= 0.9999
    assert known > SCENES, "hardly anything was answered: this proves nothing"


async def test_several_images_of_an_asset_are_answered_as_the_local_engine_does(
    scenes: list[Path], held: Held, session: aiohttp.ClientSession
) -> None:
    task = TASKS["utility_poles"]
    uris = list(held.contents)[1::3]
    async with LocalVision.open(ModelSettings(), ImageSettings()) as vision:
        observations = [local(path) for path in scenes[1::3]]
        ours = (await LocalClassifier(vision).classify(task, observations, run_id="r")).answer
    assert await answer(session, task, [image_part(uri) for uri in uris]) == ours
    assert set(ours.values()) - {"unknown", None}


async def test_an_image_inside_the_request_is_the_same_as_one_by_reference(
    held: Held, session: aiohttp.ClientSession
) -> None:
    uri, content = next(iter(held.contents.items()))
    data = base64.b64encode(content).decode()
    inline = {"inlineData": {"mimeType": "image/jpeg", "data": data}}
    task = TASKS["road_signs"]
    assert await answer(session, task, [inline]) == await answer(session, task, [image_part(uri)])


@pytest.mark.parametrize("prefix", ["", "task: search result | query: "])
async def test_a_query_has_the_local_engine_s_vector_with_its_prefix_or_without(
    prefix: str, session: aiohttp.ClientSession, encoder: DualEncoder
) -> None:
    words = "a leaning wooden pole"
    body = {"content": {"parts": [{"text": prefix + words}]}, "outputDimensionality": 256}
    vector = (await ask(session, EMBED, body))["embedding"]["values"]
    assert vector == pytest.approx(encoder.encode_texts([words])[0].tolist(), abs=1e-6)


async def test_predict_looks_at_the_image_and_reads_the_text(
    held: Held, session: aiohttp.ClientSession
) -> None:
    uri = next(iter(held.contents))
    body = {
        "instances": [{"image": {"gcsUri": uri}, "text": "a stop sign"}],
        "parameters": {"dimension": 256},
    }
    (prediction,) = (await ask(session, PREDICT, body))["predictions"]
    assert np.linalg.norm(prediction["imageEmbedding"]) == pytest.approx(1, abs=1e-4)
    assert np.dot(prediction["imageEmbedding"], prediction["textEmbedding"]) < 0.99


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 404, "No such object: gs://scenes/x.jpg"),
        (b"", 400, "image is not valid"),
        (b"\xff\xd8\xff half a JPEG", 400, "image is not valid"),
        (b"GIF89a", 400, "image is not valid"),
    ],
)
async def test_an_image_that_cannot_be_seen_is_refused_as_google_refuses_it(
    content: bytes | None, code: int, message: str, held: Held, session: aiohttp.ClientSession
) -> None:
    uri = "gs://scenes/x.jpg"
    if content is not None:
        held.contents[uri] = content
    body = question(TASKS["road_signs"], [image_part(uri)])
    assert message in (await ask(session, GENERATE, body, code))["error"]["message"]
    embed = {"content": {"parts": [image_part(uri)]}, "outputDimensionality": 256}
    assert message in (await ask(session, EMBED, embed, code))["error"]["message"]


async def test_one_bad_image_of_several_fails_the_request(
    held: Held, session: aiohttp.ClientSession
) -> None:
    parts = [image_part(next(iter(held.contents))), image_part("gs://scenes/gone.jpg")]
    await ask(session, GENERATE, question(TASKS["utility_poles"], parts), 404)


async def test_another_dimension_than_the_model_s_own_is_refused(
    session: aiohttp.ClientSession,
) -> None:
    body = {"content": {"parts": [{"text": "x"}]}, "outputDimensionality": 768}
    assert "ask for 256" in (await ask(session, EMBED, body, 400))["error"]["message"]


def test_a_schema_without_plain_fields_is_refused() -> None:
    nested = {"type": "OBJECT", "properties": {"inner": {"type": "OBJECT", "properties": {}}}}
    for schema in ({"type": "STRING"}, nested):
        with pytest.raises(CannotAnswerError, match="The demo model"):
            fields_of(schema)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_asset_types_of_a_task_are_found_from_its_fields(
    name: str, encoder: DualEncoder
) -> None:
    known = tuple(kind for kind in TASKS[name].asset_types if kind in ASSET_TYPES)
    assert tuple(ZeroShot(encoder).asset_types_asked(TASKS[name].fields)) == known


async def test_an_image_asked_for_twice_at_once_is_fetched_once(
    held: Held, encoder: DualEncoder
) -> None:
    uri = next(iter(held.contents))
    schema = {"type": "OBJECT", "properties": {"leaning": {"type": "BOOLEAN"}}}
    async with DemoAnswers(held, encoder) as answers:
        await asyncio.gather(
            answers.generate("m", GenerateRequest((Image(uri),), "", schema, 560)),
            answers.embed("m", Embed((Image(uri),), "", 256)),
        )
        assert held.read_uris == [uri]
        del held.contents[uri]
        with pytest.raises(CannotAnswerError):
            await answers.embed("m", Embed((Image(uri),), "", 256))


async def test_nothing_heavy_runs_in_the_loop_s_thread(
    held: Held, encoder: DualEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()

    def spied(does: Callable[..., Any]) -> Callable[..., Any]:
        def spy(*arguments: Any) -> Any:
            threads.add(threading.get_ident())
            return does(*arguments)

        return spy

    for name in ("preprocess", "encode_images", "encode_texts"):
        monkeypatch.setattr(encoder, name, spied(getattr(encoder, name)))
    schema = {"type": "OBJECT", "properties": {"leaning": {"type": "BOOLEAN"}}}
    async with DemoAnswers(held, encoder) as answers:
        await answers.generate(
            "m", GenerateRequest((Image(next(iter(held.contents))),), "", schema, 560)
        )
        await answers.embed("m", Embed((), "a pole", 256))
    assert threads
    assert threading.get_ident() not in threads
