"""Sightline's requests equal those of Google's own client for the same call."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from google import genai
from google.genai import types

from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.gemini.thinking import output_tokens
from sightline.gcp.vertex_location import VertexLocation
from sightline.model import Observation
from sightline.prices import load_prices
from sightline.sim.vertex.fields import camel
from sightline.tasks import TaskSpec, load_tasks, shipped_directory
from tests.gcp.conftest import DAY, GEMINI, TOKEN, seen

KEY = "AIzaSyA-0123456789012345678901234567890"
PIXELS = b"\xff\xd8\xffthe rest of a JPEG"
TASKS = load_tasks((shipped_directory(),))


async def read_pixels(_: Observation) -> bytes:
    return PIXELS


@dataclass
class Recorder:
    """A server that records requests, and answers with an empty object."""

    url: str = ""
    sent: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.sent.append((request.path, await request.json()))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return web.json_response({"candidates": [], "embedding": {"values": []}})


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    application = web.Application()
    application.router.add_post("/{path:.+}", recorder.take)
    async with TestServer(application) as server:
        recorder.url = str(server.make_url("")).rstrip("/")
        yield recorder


def spelled(value: Any, *, names: bool = True) -> Any:
    """Return a body with its field names in one of the two accepted spellings."""
    if isinstance(value, list):
        return [spelled(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        camel(name) if names else name: spelled(member, names=name not in {"properties", "labels"})
        for name, member in value.items()
    }


def config(task: TaskSpec, **more: Any) -> types.GenerateContentConfig:
    """Return the library's config of a task."""
    return types.GenerateContentConfig(
        response_mime_type="application/json",
        response_schema=task.response_schema(),
        media_resolution=types.MediaResolution(f"MEDIA_RESOLUTION_{task.media_resolution.upper()}"),
        temperature=task.temperature,
        seed=task.seed,
        max_output_tokens=output_tokens(GEMINI, task.max_output_tokens, task.thinking_budget),
        candidate_count=1,
        **more,
    )


async def by_library(
    url: str, whom: dict[str, Any], part: types.Part, task: TaskSpec, **more: Any
) -> None:
    content = types.Content(role="user", parts=[part, types.Part(text=task.prompt)])
    # A session of its own would be of a class that aiohttp warns of.
    async with aiohttp.ClientSession() as session:
        options = types.HttpOptions(base_url=url, aiohttp_client=session)
        if "vertexai" in whom:
            options.api_version = "v1"
        client = genai.Client(http_options=options, **whom)
        await client.aio.models.generate_content(
            model=GEMINI, contents=content, config=config(task, **more)
        )
        await client.aio.aclose()
        client.close()


@pytest.mark.parametrize("name", sorted(TASKS))
async def test_a_request_to_vertex_ai_is_the_library_s(name: str, recorder: Recorder) -> None:
    task = TASKS[name]
    place = VertexLocation("p", "global", recorder.url)
    async with GeminiClassifier.open(
        model=GEMINI, place=place, tokens=GoogleTokens.fixed(TOKEN), prices=load_prices(),
        today=lambda: DAY, timeout_s=30.0,
    ) as classifier:  # fmt: skip
        with pytest.raises(Exception, match="without a candidate"):
            await classifier.classify(task, [seen()], run_id="r1")
    whom = {
        "vertexai": True, "project": "p", "location": "global",
        "credentials": GoogleTokens.fixed(TOKEN).credentials,
    }  # fmt: skip
    image = types.FileData(file_uri=seen().gcs_uri, mime_type="image/jpeg")
    labels = {"sightline_run": "r1", "sightline_task": name}
    await by_library(recorder.url, whom, types.Part(file_data=image), task, labels=labels)
    (our_path, ours), (their_path, theirs) = recorder.sent
    assert our_path == their_path
    assert spelled(ours) == spelled(theirs)
    assert [header["authorization"] for header in recorder.headers] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.parametrize("name", sorted(TASKS))
async def test_a_request_by_key_is_the_library_s(name: str, recorder: Recorder) -> None:
    task = TASKS[name]
    async with GeminiClassifier.open_with_key(
        model=GEMINI, api_key=KEY, read_image=read_pixels, prices=load_prices(),
        today=lambda: DAY, timeout_s=30.0, base_url=recorder.url,
    ) as classifier:  # fmt: skip
        photo = Observation("o1", "a1", "s1", "T", "file:///photos/1.jpg")
        with pytest.raises(Exception, match="without a candidate"):
            await classifier.classify(task, [photo], run_id="r1")
    image = types.Part.from_bytes(data=PIXELS, mime_type="image/jpeg")
    await by_library(recorder.url, {"api_key": KEY}, image, task)
    (our_path, ours), (their_path, theirs) = recorder.sent
    ours, theirs = spelled(ours), spelled(theirs)
    assert our_path == their_path == f"/v1beta/models/{GEMINI}:generateContent"
    # The library spells Base64 with the alphabet for URLs, which the API takes as well.
    for sent_requests in (ours, theirs):
        inline = sent_requests["contents"][0]["parts"][0]["inlineData"]
        inline["data"] = base64.urlsafe_b64decode(
            inline["data"].replace("+", "-").replace("/", "_")
        )
    assert ours == theirs
    assert [header["x-goog-api-key"] for header in recorder.headers] == [KEY] * 2
    assert not any("authorization" in header for header in recorder.headers)


async def test_an_image_is_embedded_by_key_in_one_request_of_the_reference_s_form(
    recorder: Recorder,
) -> None:
    async with GoogleEmbedder.open_with_key(
        model="gemini-embedding-2", dimension=256, api_key=KEY, read_image=read_pixels,
        prices=load_prices(), today=lambda: DAY, timeout_s=30.0, base_url=recorder.url,
    ) as embedder:  # fmt: skip
        photo = Observation("o1", "a1", "s1", "T", "file:///photos/1.jpg")
        with pytest.raises(Exception, match="no vector"):
            await embedder.embed_image(photo, run_id="r1")
    ((path, body),) = recorder.sent
    assert path == "/v1beta/models/gemini-embedding-2:embedContent"
    data = base64.b64encode(PIXELS).decode()
    assert body == {
        "content": {"parts": [{"inlineData": {"mimeType": "image/jpeg", "data": data}}]},
        "outputDimensionality": 256,
    }
