"""Images a second that one core can have classified and embedded, the model itself taking no time.

The simulator answers at once, in a process of its own; what counts is the CPU time of the process
that calls. Beside ours: Google's SDK for the classification, and a bare aiohttp loop that posts
the same bodies and reads nothing of the answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import aiohttp
import orjson

from bench.figures import Figure, report
from bench.simulator import run_simulator
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.vertex_location import VertexLocation, billing_label
from sightline.model import Observation
from sightline.prices import load_prices
from sightline.tasks import TaskSpec, load_task, shipped_directory

IMAGES = 2_000
WARM_UP = 50
IN_FLIGHT = 64
MODEL, EMBEDDING, DIMENSION = "gemini-3.5-flash", "gemini-embedding-2", 512
DAY = date(2026, 11, 20)
TOKEN = "a-token"

Each = Callable[[Observation], Awaitable[object]]


def seen(number: int) -> Observation:
    """Return an observation of one image."""
    uri = f"gs://images/s1/v0/o{number}.jpg"
    return Observation(f"o{number}", "a1", "s1", "ASSET_CLASS_ROAD_SIGN", uri)


@asynccontextmanager
async def ours(place: VertexLocation, task: TaskSpec) -> AsyncIterator[tuple[Each, Each]]:
    """Yield our two adapters' calls."""
    more: dict[str, Any] = {
        "place": place, "tokens": GoogleTokens.fixed(TOKEN), "prices": load_prices(),
        "today": lambda: DAY, "timeout_s": 60.0,
    }  # fmt: skip
    async with (
        GeminiClassifier.open(model=MODEL, **more) as classifier,
        GoogleEmbedder.open(model=EMBEDDING, dimension=DIMENSION, **more) as embedder,
    ):
        yield (
            lambda observation: classifier.classify(task, [observation], run_id="r1"),
            lambda observation: embedder.embed_image(observation, run_id="r1"),
        )


@asynccontextmanager
async def sdk(place: VertexLocation, task: TaskSpec) -> AsyncIterator[tuple[Each, Each]]:
    """Yield the classification by google-genai; it has no way to embed an image by its URI here."""
    from google import genai
    from google.genai import types

    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_schema=task.response_schema(),
        media_resolution=types.MediaResolution.MEDIA_RESOLUTION_MEDIUM,
        temperature=task.temperature,
        max_output_tokens=task.max_output_tokens,
        candidate_count=1,
        labels={"sightline_run": "r1", "sightline_task": billing_label(task.name)},
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, ours(place, task) as pair:
        client = genai.Client(
            vertexai=True,
            project=place.project,
            location=place.location,
            credentials=GoogleTokens.fixed(TOKEN).credentials,
            http_options=types.HttpOptions(
                base_url=place.endpoint, api_version="v1", aiohttp_client=session
            ),
        )

        async def classify(observation: Observation) -> object:
            image = types.Part(
                file_data=types.FileData(file_uri=observation.gcs_uri, mime_type="image/jpeg")
            )
            content = types.Content(role="user", parts=[image, types.Part(text=task.prompt)])
            answer = await client.aio.models.generate_content(
                model=MODEL, contents=content, config=config
            )
            return orjson.loads(answer.text or "")

        yield classify, pair[1]
        await client.aio.aclose()
        client.close()


@asynccontextmanager
async def bare(place: VertexLocation, task: TaskSpec) -> AsyncIterator[tuple[Each, Each]]:
    """Yield posts of the same bodies, whose answers are received and not looked at."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    config = {
        "responseMimeType": "application/json",
        "responseSchema": task.response_schema(),
        "mediaResolution": "MEDIA_RESOLUTION_MEDIUM",
        "maxOutputTokens": task.max_output_tokens,
    }
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def post(url: str, body: dict[str, Any]) -> None:
            async with session.post(url, data=orjson.dumps(body)) as response:
                assert response.status == 200
                await response.read()

        def content(observation: Observation, *more: dict[str, str]) -> dict[str, Any]:
            image = {"fileData": {"fileUri": observation.gcs_uri, "mimeType": "image/jpeg"}}
            return {"role": "user", "parts": [image, *more]}

        async def classify(observation: Observation) -> None:
            body = {
                "contents": [content(observation, {"text": task.prompt})],
                "generationConfig": config,
            }
            await post(place.method_url(MODEL, "generateContent"), body)

        async def embed(observation: Observation) -> None:
            body = {
                "content": content(observation),
                "embedContentConfig": {"outputDimensionality": DIMENSION},
            }
            await post(place.method_url(EMBEDDING, "embedContent"), body)

        yield classify, embed


async def cpu_s(each: Each, images: int) -> float:
    """Return the CPU seconds of this process for so many images, 64 in flight."""
    numbers = iter(range(images))

    async def caller() -> None:
        for number in numbers:
            await each(seen(number))

    begun = time.process_time()
    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return time.process_time() - begun


async def measure(url: str, images: int) -> list[Figure]:
    """Measure all three, warmed up; classification and embedding one after the other."""
    place = VertexLocation("p", "global", url)
    task = load_task(shipped_directory() / "road_signs.toml").resolve(MODEL)
    rates: dict[str, float] = {}
    figures: list[Figure] = []
    for name, opened in (("ours", ours), ("SDK", sdk), ("bare", bare)):
        async with opened(place, task) as (classify, embed):
            seconds = []
            for call in (classify, embed):
                await cpu_s(call, WARM_UP)
                seconds.append(await cpu_s(call, images))
        rates[name] = images / sum(seconds)
        title = TITLES[name]
        figures.append(Figure(f"{title}: classify and embed", rates[name], "images/s a core"))
        figures.append(
            Figure(f"{title}: classify", seconds[0] / images * 1e3, "ms of CPU", better="lower")
        )
        figures.append(
            Figure(f"{title}: embed", seconds[1] / images * 1e3, "ms of CPU", better="lower")
        )
    return [
        *figures,
        Figure("ours, as a share of bare", 100 * rates["ours"] / rates["bare"], "%"),
        Figure("ours, as a multiple of the SDK", rates["ours"] / rates["SDK"], "times"),
    ]


TITLES = {
    "ours": "ours",
    "SDK": " google-genai and our embedder",
    "bare": " bare aiohttp, answers unread",
}


def run(images: int = IMAGES) -> list[Figure]:
    """Measure; about a quarter of a minute."""
    with run_simulator() as url:
        return asyncio.run(measure(url, images))


if __name__ == "__main__":
    report("models", run())
