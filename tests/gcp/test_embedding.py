"""The embedding models: unit vectors of the right length, one call each, and their cost."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest

from sightline.errors import ConfigurationError, PermanentError, Reason
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.embedding.embed_content import GeminiEmbedding
from sightline.gcp.embedding.embedder import unit_vector
from sightline.gcp.vertex_location import VertexLocation
from sightline.model import Usage
from sightline.prices import load_prices, price_of
from sightline.sim.vertex import Behaviour, Fault, FaultMix
from sightline.sim.vertex.answers import MadeUpAnswers
from sightline.sim.vertex.requests import Embed
from sightline.sim.vertex.server import VertexSimulator
from tests.gcp.conftest import DAY, TOKEN, seen


class Remembering(MadeUpAnswers):
    """Answers, and records its requests; returns ``says`` instead, if set."""

    def __init__(self) -> None:
        self.requests: list[Embed] = []
        self.says: list[float] | None = None

    async def embed(self, model: str, request: Embed) -> Sequence[float]:
        self.requests.append(request)
        return await super().embed(model, request) if self.says is None else self.says


@pytest.fixture
def answerer() -> Remembering:
    return Remembering()


@pytest.fixture
async def simulator(answerer: Remembering) -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator(answerer=answerer) as simulator:
        yield simulator


async def test_vectors_are_of_unit_length_and_of_their_dimension(embedder: GoogleEmbedder) -> None:
    image = await embedder.embed_image(seen(), run_id="r")
    text = await embedder.embed_text("a leaning pole")
    for embedding in (image, text):
        assert len(embedding.vector) == embedder.dimension
        assert float(np.linalg.norm(np.asarray(embedding.vector, np.float64))) == pytest.approx(1.0)
    assert list(image.vector) != list(text.vector)
    again = await embedder.embed_image(seen(), run_id="other")
    assert list(image.vector) == list(again.vector)


async def test_one_image_is_sent_by_reference_in_one_request(
    embedder: GoogleEmbedder, answerer: Remembering
) -> None:
    await embedder.embed_image(seen(3), run_id="r")
    (request,) = answerer.requests
    assert [(image.uri, image.content) for image in request.images] == [
        ("gs://images/s1/v0/o3.jpg", None)
    ]
    assert request.text == ""
    assert request.dimension == embedder.dimension


async def test_a_query_states_its_purpose_if_the_model_requires_it(
    embedder: GoogleEmbedder, answerer: Remembering
) -> None:
    await embedder.embed_text("a leaning pole")
    prefix = "task: search result | query: " if embedder.model == "gemini-embedding-2" else ""
    assert [request.text for request in answerer.requests] == [prefix + "a leaning pole"]


async def test_an_embedding_costs_its_price(embedder: GoogleEmbedder) -> None:
    image = (await embedder.embed_image(seen(), run_id="r")).usage
    text = (await embedder.embed_text("a leaning pole")).usage
    if embedder.model == "gemini-embedding-2":
        assert image == Usage(258, 0, round(258 * 0.45))
        assert text.cost_usd_micros == round(text.input_tokens * 0.20)
    else:
        assert image == Usage(0, 0, 100)
        assert text == Usage(0, 0, round(14 * 0.2))


@pytest.mark.parametrize("values", [[], [0.5], ["x"], [float("nan")] * 4, "zeros"])
async def test_an_invalid_vector_is_refused_with_its_cost(
    values: Any, embedder: GoogleEmbedder, answerer: Remembering
) -> None:
    answerer.says = [0.0] * embedder.dimension if values == "zeros" else values
    with pytest.raises(PermanentError) as caught:
        await embedder.embed_image(seen(), run_id="r")
    assert caught.value.reason is Reason.ANSWER_INVALID
    assert caught.value.cost_usd_micros > 0


@pytest.mark.parametrize("values", [None, "x", {}, [[1.0, 2.0]], [1.0, None], [float("inf"), 1.0]])
def test_only_finite_numbers_make_a_vector(values: object) -> None:
    with pytest.raises(PermanentError):
        unit_vector(values, 2, Usage())


def test_a_unit_vector_cannot_be_written_to() -> None:
    vector = unit_vector([3.0, 4.0], 2, Usage())
    assert list(vector) == pytest.approx([0.6, 0.8])
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1.0  # type: ignore[index]  # that is what is tested


def test_tokens_that_are_not_counted_are_estimated() -> None:
    price = price_of(load_prices(), "gemini-embedding-2", DAY)
    image = GeminiEmbedding().usage({}, price, text=None, location="global")
    text = GeminiEmbedding().usage({}, price, text="x" * 400, location="global")
    assert (image.input_tokens, text.input_tokens) == (258, 100)


@pytest.mark.parametrize(
    ("model", "dimension", "location"),
    [
        ("multimodalembedding@001", 300, "us-central1"),
        ("multimodalembedding@001", 512, "global"),
        ("gemini-embedding-2", 64, "global"),
        ("gemini-embedding-2", 4096, "global"),
        ("demo-1", 256, "global"),
    ],
)
async def test_an_invalid_configuration_is_reported_before_any_call(
    model: str, dimension: int, location: str
) -> None:
    with pytest.raises(ConfigurationError):
        async with GoogleEmbedder.open(
            model=model, dimension=dimension, place=VertexLocation("p", location),
            tokens=GoogleTokens.fixed(TOKEN), prices=load_prices(), today=lambda: DAY,
            timeout_s=1.0,
        ):  # fmt: skip
            pass


@pytest.mark.parametrize("fault", [None, Fault.RESET, Fault.UNAUTHENTICATED, Fault.HALF_BODY])
async def test_no_token_is_ever_logged(
    fault: Fault | None,
    embedder: GoogleEmbedder,
    simulator: VertexSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({} if fault is None else {fault: 1.0})))
    caplog.set_level(logging.DEBUG)
    try:
        await embedder.embed_image(seen(), run_id="r")
    except Exception:
        logging.getLogger("test").exception("as a careless caller would log it")
    assert TOKEN not in caplog.text
    assert (fault is None) is ("careless" not in caplog.text)


@pytest.mark.parametrize(
    ("embedder", "text", "says"),
    [
        (("multimodalembedding@001", 512), "pole " * 33, "33 words.*reads 32 at most; shorten it"),
        (("multimodalembedding@001", 512), "наклонный столб", "supports only English; write it"),
        (("gemini-embedding-2", 768), "x" * 40_000, "40,000 characters.*shorten it"),
    ],
    indirect=["embedder"],
)
async def test_a_query_that_the_model_cannot_read_is_refused_before_any_call(
    embedder: GoogleEmbedder, answerer: Remembering, text: str, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        await embedder.embed_text(text)
    assert answerer.requests == []


@pytest.mark.parametrize("embedder", [("gemini-embedding-2", 768)], indirect=True)
async def test_a_query_may_be_in_any_language_that_the_model_supports(
    embedder: GoogleEmbedder,
) -> None:
    assert len((await embedder.embed_text("наклонный столб")).vector) == 768
