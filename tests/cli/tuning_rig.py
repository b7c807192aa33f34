"""Answers to tune with, a bucket, and a model service whose base model errs in a known way."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from sightline.local.warehouse import LocalRuns, LocalWriter
from sightline.sim.vertex.answers import CannotAnswerError, MadeUpAnswers
from sightline.sim.vertex.buckets import Buckets
from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.requests import GenerateRequest
from sightline.sim.vertex.server import VertexSimulator
from tests.cli.answered import SIGNS
from tests.cli.cloud_rig import make_bucket
from tests.contracts.answers_suite import item
from tests.contracts.warehouse_rig import NOW, answer_part, answer_row
from tests.gcp.servers import GcsServer

IMAGES = 400
BASE_MODEL = "gemini-3.5-flash-lite"
SUBMIT = ("tune", "submit", "signs", "--location", "us-central1", "--look-every", "0.01")


def known(number: int) -> dict[str, Any]:
    """Return what the warehouse answers about an image."""
    return {
        "kind": "yield" if number % 3 == 0 else "stop",
        "tilted": number % 2 == 0,
        "count": number % 4,
        "height": 0.5,
        "note": f"note {number}",
        "damage": ["rust"] if number % 5 == 0 else [],
    }


class Confused(MadeUpAnswers):
    """Takes most signs of one kind for the other, and errs about tilt where nothing tells.

    Images in ``gone`` are not there any more; a model that ``rambles`` gives no answer of use.
    """

    def __init__(self) -> None:
        self.gone = range(0)
        self.rambles = False

    async def generate(self, model: str, request: GenerateRequest) -> object:
        """Answer about the image's number."""
        number = int(re.findall(r"\d+", request.images[0].uri)[-1])
        if number in self.gone:
            raise CannotAnswerError(Fault.IMAGE_GONE)
        if self.rambles:
            return "I would rather not say."
        right = known(number)
        if number % 7:
            right["kind"] = "stop" if right["kind"] == "yield" else "yield"
        if number % 11 == 0:
            right["tilted"] = not right["tilted"]
        return right


class Beside:
    """A simulator in a thread, since commands have an event loop of their own."""

    def __init__(self, simulator: VertexSimulator, answers: Confused) -> None:
        self.simulator = simulator
        self.answers = answers

    def pace(self, **how: Any) -> None:
        """Set how tuning jobs go."""
        self.control("tuning", **how)

    def control(self, topic: str, **how: Any) -> None:
        """Set what the control API has under a name."""
        url = f"{self.simulator.base_url}/control/{topic}"
        body = json.dumps(how).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")) as answer:
            assert answer.status == 200


@contextmanager
def tuning_beside(gcs_endpoint: str) -> Iterator[Beside]:
    """Run a simulator whose jobs read that Cloud Storage server."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack, answers = AsyncExitStack(), Confused()

    def wait_for(work: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work(), loop).result(60)

    async def start() -> VertexSimulator:
        buckets = await stack.enter_async_context(Buckets.open(gcs_endpoint))
        simulator = VertexSimulator(answerer=answers, buckets=buckets)
        return await stack.enter_async_context(simulator)

    try:
        yield Beside(wait_for(start), answers)
    finally:
        wait_for(stack.aclose)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def fill(root: Path, images: int = IMAGES) -> None:
    """Make a warehouse in a folder with answers about so many images, two an asset."""
    part = answer_part(SIGNS)
    await LocalRuns(root, None).remember_task(SIGNS, now=NOW)
    await LocalWriter(root).write(
        [answer_row(item(n), part, answer=orjson.dumps(known(n)).decode()) for n in range(images)]
    )


@pytest.fixture
def beside(gcs: GcsServer) -> Iterator[Beside]:
    with tuning_beside(gcs.endpoint) as beside:
        yield beside


@pytest.fixture
def bucket(gcs: GcsServer, beside: Beside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a bucket that the settings name, beside a home with answers."""
    name = f"tune-{uuid.uuid4().hex[:12]}"
    asyncio.run(fill(tmp_path / ".sightline" / "warehouse"))
    for setting, value in {
        "GCP__PROJECT": "p",
        "GCS__BUCKET": name,
        "GCS__ENDPOINT": gcs.endpoint,
        "VERTEX__ENDPOINT": beside.simulator.base_url,
        "VERTEX__LOCATION": "us",
        "MODELS__CLASSIFY": BASE_MODEL,
        "ADAPTERS__CLASSIFY": "vertex",
    }.items():
        monkeypatch.setenv(f"SIGHTLINE_{setting}", value)
    return make_bucket(gcs, name)
