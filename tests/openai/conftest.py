"""The classifier against the strict stub, over a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from sightline.errors import PermanentError, Reason, SightlineError
from sightline.model import Observation
from sightline.openai import ChatClassifier
from sightline.tasks import TaskSpec, load_tasks, shipped_directory
from tests.openai.chat_server import ChatServer

MODEL = "Qwen/Qwen3-VL-8B-Instruct"
KEY = "sk-a-very-secret-key-0123456789"
CONTENTS = {
    "file:///1.jpg": b"\xff\xd8\xffone",
    "file:///2.png": b"\x89PNG\r\n\x1a\ntwo",
    "file:///3.webp": b"RIFF\x00\x00\x00\x00WEBPthree",
}
TASKS = load_tasks((shipped_directory(),))


def at(uri: str = "file:///1.jpg") -> Observation:
    return Observation("o1", "a1", "s1", "ASSET_CLASS_ROAD_SIGN", uri)


async def read_image(observation: Observation) -> bytes:
    if observation.gcs_uri not in CONTENTS:
        raise PermanentError(Reason.IMAGE_GONE, f"{observation.gcs_uri}: no such file")
    return CONTENTS[observation.gcs_uri]


def cost(input_tokens: int, output_tokens: int) -> int:
    return 2 * input_tokens + 10 * output_tokens


@pytest.fixture
def task() -> TaskSpec:
    return TASKS["road_signs"].resolve(MODEL)


@pytest.fixture
def server() -> ChatServer:
    return ChatServer(key=KEY)


@pytest.fixture
async def url(server: ChatServer) -> AsyncIterator[str]:
    async with TestServer(server.application()) as running:
        yield str(running.make_url("/v1/"))
        server.leaving.set()


@pytest.fixture
async def classifier(url: str) -> AsyncIterator[ChatClassifier]:
    async with ChatClassifier.open(
        model=MODEL, base_url=url, read_image=read_image, timeout_s=30.0, api_key=KEY, cost=cost
    ) as classifier:
        yield classifier


async def error_of(classifier: ChatClassifier, task: TaskSpec) -> SightlineError:
    with pytest.raises(SightlineError) as caught:
        await classifier.classify(task, [at()], run_id="r")
    text = str(caught.value)
    assert KEY not in text
    assert "\n" not in text
    return caught.value
