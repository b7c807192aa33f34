"""Gemini by API key: images inside the requests, an error for every fault, the key never shown."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    SightlineError,
    TransientError,
)
from sightline.gcp import service
from sightline.gcp.access import KeyAccess
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.service import gemini_api
from sightline.model import Observation
from sightline.prices import load_prices
from sightline.sim.vertex import Behaviour, Fault, FaultMix
from sightline.sim.vertex.answers import MadeUpAnswers
from sightline.sim.vertex.faults import ANSWERED_WITH_200
from sightline.sim.vertex.requests import GenerateRequest
from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import TaskSpec
from tests.gcp.conftest import DAY, GEMINI, seen
from tests.gcp.test_faults import ANSWERING, check

KEY = "AIzaSyA-0123456789012345678901234567890"
JPEG = b"\xff\xd8\xffone"
PNG = b"\x89PNG\r\n\x1a\ntwo"


class Remembering(MadeUpAnswers):
    """Answers, and records its requests."""

    def __init__(self) -> None:
        self.requests: list[GenerateRequest] = []

    async def generate(self, model: str, request: GenerateRequest) -> object:
        self.requests.append(request)
        return await super().generate(model, request)


class Files:
    """Image files by their URIs."""

    def __init__(self) -> None:
        self.contents = {"file:///1.jpg": JPEG, "file:///2.png": PNG}

    async def read(self, observation: Observation) -> bytes:
        if observation.gcs_uri not in self.contents:
            raise PermanentError(Reason.IMAGE_GONE, f"{observation.gcs_uri}: no such file")
        return self.contents[observation.gcs_uri]


def at(uri: str) -> Observation:
    return Observation("o1", "a1", "s1", "ASSET_CLASS_ROAD_SIGN", uri)


@pytest.fixture
def answerer() -> Remembering:
    return Remembering()


@pytest.fixture
async def simulator(answerer: Remembering) -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator(answerer=answerer) as simulator:
        yield simulator


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
async def classifier(simulator: VertexSimulator, files: Files) -> AsyncIterator[GeminiClassifier]:
    async with GeminiClassifier.open_with_key(
        model=GEMINI, api_key=KEY, read_image=files.read, prices=load_prices(),
        today=lambda: DAY, timeout_s=30.0, base_url=simulator.base_url,
    ) as classifier:  # fmt: skip
        yield classifier


@pytest.fixture
async def embedder(simulator: VertexSimulator, files: Files) -> AsyncIterator[GoogleEmbedder]:
    async with GoogleEmbedder.open_with_key(
        model="gemini-embedding-2", dimension=256, api_key=KEY, read_image=files.read,
        prices=load_prices(), today=lambda: DAY, timeout_s=30.0, base_url=simulator.base_url,
    ) as embedder:  # fmt: skip
        yield embedder


async def error_of(call: Callable[[], Awaitable[object]]) -> SightlineError:
    with pytest.raises(SightlineError) as caught:
        await call()
    return caught.value


async def test_images_are_sent_inside_the_request_in_order_and_without_labels(
    classifier: GeminiClassifier, answerer: Remembering, task: TaskSpec
) -> None:
    images = [at("file:///2.png"), at("file:///1.jpg")]
    classification = await classifier.classify(task, images, run_id="r1")
    task.validate_answer(classification.answer)
    assert classification.usage.cost_usd_micros > 0
    (request,) = answerer.requests
    assert [image.content for image in request.images] == [PNG, JPEG]
    assert request.labels == {}


async def test_an_image_and_a_query_are_embedded(embedder: GoogleEmbedder) -> None:
    image = await embedder.embed_image(at("file:///1.jpg"), run_id="r1")
    text = await embedder.embed_text("a leaning pole")
    for embedding in (image, text):
        assert len(embedding.vector) == embedder.dimension == 256
        assert float(np.linalg.norm(np.asarray(embedding.vector, np.float64))) == pytest.approx(1.0)
    assert image.usage.cost_usd_micros == round(258 * 0.45)


@pytest.mark.parametrize("fault", ANSWERING)
async def test_a_fault_of_the_gemini_api_becomes_its_own_error(
    fault: Fault, simulator: VertexSimulator, classifier: GeminiClassifier, task: TaskSpec
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({fault: 1.0})))
    error = await error_of(lambda: classifier.classify(task, [at("file:///1.jpg")], run_id="r"))
    check(error, fault)
    assert simulator.counters.received == {"generateContent": 1}, "a hidden retry"


@pytest.mark.parametrize("fault", [fault for fault in ANSWERING if fault not in ANSWERED_WITH_200])
async def test_a_fault_of_its_embedding_model_becomes_its_own_error(
    fault: Fault, simulator: VertexSimulator, embedder: GoogleEmbedder
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({fault: 1.0})))
    check(await error_of(lambda: embedder.embed_image(at("file:///1.jpg"), run_id="r")), fault)
    assert simulator.counters.received == {"embedContent": 1}, "a hidden retry"


async def test_a_refused_key_is_an_error_that_names_the_setting_and_not_the_key(
    simulator: VertexSimulator, classifier: GeminiClassifier, task: TaskSpec
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({Fault.UNAUTHENTICATED: 1.0})))
    error = await error_of(lambda: classifier.classify(task, [at("file:///1.jpg")], run_id="r"))
    assert isinstance(error, ConfigurationError)
    assert "gemini.api_key_env" in str(error)
    assert "gcloud" not in str(error)
    assert KEY not in str(error)


async def test_an_image_in_a_bucket_is_refused_before_any_call(
    simulator: VertexSimulator, classifier: GeminiClassifier, task: TaskSpec
) -> None:
    error = await error_of(lambda: classifier.classify(task, [seen()], run_id="r"))
    assert isinstance(error, PermanentError)
    assert error.reason is Reason.BAD_URI
    assert "adapters.classify = 'vertex'" in str(error)
    assert not simulator.counters.received


async def test_the_reader_s_error_about_an_image_is_raised_to_the_caller(
    classifier: GeminiClassifier, simulator: VertexSimulator, task: TaskSpec
) -> None:
    error = await error_of(lambda: classifier.classify(task, [at("file:///3.jpg")], run_id="r"))
    assert isinstance(error, PermanentError)
    assert error.reason is Reason.IMAGE_GONE
    assert not simulator.counters.received


@pytest.mark.parametrize("images", [["file:///big.jpg"], ["file:///half.jpg", "file:///half.jpg"]])
async def test_a_request_of_more_than_20_mb_is_too_large(
    images: list[str],
    files: Files,
    classifier: GeminiClassifier,
    simulator: VertexSimulator,
    task: TaskSpec,
) -> None:
    files.contents |= {
        "file:///big.jpg": JPEG + bytes(15_000_001),
        "file:///half.jpg": JPEG + bytes(7_500_000),  # two of them fit, but for the prompt
    }
    error = await error_of(lambda: classifier.classify(task, list(map(at, images)), run_id="r"))
    assert isinstance(error, PermanentError)
    assert error.reason is Reason.IMAGE_TOO_LARGE
    assert not simulator.counters.received


async def test_a_request_just_below_20_mb_is_sent(
    files: Files, embedder: GoogleEmbedder, simulator: VertexSimulator
) -> None:
    files.contents["file:///big.jpg"] = JPEG + bytes(14_990_000)
    await embedder.embed_image(at("file:///big.jpg"), run_id="r")
    assert simulator.counters.answered == {"embedContent": 1}


@pytest.mark.parametrize("key", ["", " ", "two words", "a\nb", "schlüssel"])
def test_an_invalid_key_is_reported_before_any_call(key: str, files: Files) -> None:
    with pytest.raises(ConfigurationError, match=r"gemini\.api_key_env") as caught:
        gemini_api(key, files.read)
    assert not key.strip() or key not in str(caught.value)


async def test_a_model_that_the_api_does_not_serve_is_reported_before_any_call(
    files: Files,
) -> None:
    with pytest.raises(ConfigurationError, match="multimodalembedding"):
        async with GoogleEmbedder.open_with_key(
            model="multimodalembedding@001", dimension=256, api_key=KEY, read_image=files.read,
            prices=load_prices(), today=lambda: DAY, timeout_s=1.0,
        ):  # fmt: skip
            pass
    with pytest.raises(ConfigurationError, match="Gemini API"):
        service.GeminiApi().check_served("demo-1")


def test_a_key_is_in_no_representation(files: Files) -> None:
    assert KEY not in repr(KeyAccess(KEY))
    assert KEY not in repr(gemini_api(KEY, files.read))


@pytest.mark.parametrize("fault", [None, Fault.RESET, Fault.UNAUTHENTICATED, Fault.HALF_BODY])
async def test_no_key_is_ever_logged(
    fault: Fault | None,
    classifier: GeminiClassifier,
    embedder: GoogleEmbedder,
    simulator: VertexSimulator,
    task: TaskSpec,
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({} if fault is None else {fault: 1.0})))
    caplog.set_level(logging.DEBUG)
    image = at("file:///1.jpg")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: classifier.classify(task, [image], run_id="r"),
        lambda: embedder.embed_image(image, run_id="r"),
    ]
    for call in calls:
        try:
            await call()
        except (TransientError, ConfigurationError):
            logging.getLogger("test").exception("as a careless caller would log it")
    assert KEY not in caplog.text
    assert caplog.text.count("careless") == (0 if fault is None else 2)
