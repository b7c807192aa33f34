"""Oversized responses of Google's models and services are errors with the maximum cost."""

from __future__ import annotations

import gzip
from http.server import BaseHTTPRequestHandler

import pytest
import requests

from sightline.errors import PermanentError, Reason, TransientError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bounded_requests import ResponseTooLargeError, bound_responses
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.gemini.thinking import output_tokens
from sightline.gcp.vertex_location import VertexLocation
from sightline.model import Observation
from sightline.prices import Tokens, embedding_usage, input_tokens, load_prices, price_of
from sightline.tasks import TaskSpec
from tests.cli.http_stand_in import serving
from tests.cli.test_too_large import begin
from tests.cli.test_too_large import serving as answering
from tests.gcp.conftest import DAY, GEMINI
from tests.shared.raw_server import chunk, endless, head, raw_server

IMAGE = Observation("o1", "a1", "s1", "ASSET_CLASS_ROAD_SIGN", "gs://b/1.jpg")
ENDLESS = endless(head("Transfer-Encoding: chunked"), chunk(b" " * 65536))
EMBEDDING = "gemini-embedding-2"


async def test_an_oversized_answer_of_gemini_costs_the_request_s_maximum(task: TaskSpec) -> None:
    prices = load_prices()
    async with (
        raw_server(ENDLESS) as server,
        GeminiClassifier.open(
            model=GEMINI, place=VertexLocation("p", "global", server.url),
            tokens=GoogleTokens.fixed("emulator"), prices=prices, today=lambda: DAY,
            timeout_s=30.0, max_response_bytes=100_000,
        ) as classifier,
    ):  # fmt: skip
        with pytest.raises(PermanentError, match="100,000 bytes") as caught:
            await classifier.classify(task, [IMAGE], run_id="r1")
        assert server.requests == 1
    error = caught.value
    assert error.reason is Reason.ANSWER_TOO_LARGE
    allowed = output_tokens(GEMINI, task.max_output_tokens, task.thinking_budget)
    tokens = Tokens(input=input_tokens(task, 1), output=allowed)
    most = price_of(prices, GEMINI, DAY).of_tokens(tokens, location="global")
    assert error.cost_usd_micros == most.cost_usd_micros > 0
    assert error.output_tokens == allowed >= task.max_output_tokens  # thoughts are paid, too


async def test_an_oversized_embedding_costs_one_embedding() -> None:
    prices = load_prices()
    async with (
        raw_server(ENDLESS) as server,
        GoogleEmbedder.open(
            model=EMBEDDING, dimension=256, place=VertexLocation("p", "global", server.url),
            tokens=GoogleTokens.fixed("emulator"), prices=prices, today=lambda: DAY,
            timeout_s=30.0, max_response_bytes=100_000,
        ) as embedder,
    ):  # fmt: skip
        with pytest.raises(PermanentError) as caught:
            await embedder.embed_image(IMAGE, run_id="r1")
    assert caught.value.reason is Reason.ANSWER_TOO_LARGE
    most = embedding_usage(price_of(prices, EMBEDDING, DAY), location="global")
    assert caught.value.cost_usd_micros == most.cost_usd_micros > 0


async def test_an_endless_response_of_bigquery_is_an_error_of_one_line() -> None:
    async with raw_server(ENDLESS) as server:
        place = BigQueryPlace("p", "d", endpoint=server.url)
        async with BigQueryClient.open(place) as client:
            with pytest.raises(TransientError, match="ResponseTooLargeError") as caught:
                await client.rows("SELECT 1")
    assert "\n" not in str(caught.value)


def test_responses_in_sessions_of_google_s_libraries_are_limited() -> None:
    with serving(lambda *_: (200, {"text": "x" * 10_000})) as url, requests.Session() as session:
        bound_responses(session, 20_000)
        assert len(session.get(url).json()["text"]) == 10_000
        bound_responses(session, 5_000)
        assert len(session.get(url).content) > 10_000  # an adapter that is there is left
    with serving(lambda *_: (200, {"text": "x" * 10_000})) as url, requests.Session() as session:
        bound_responses(session, 5_000)
        with pytest.raises(ResponseTooLargeError, match="5,000 bytes"):
            session.get(url)


def test_decompressed_responses_in_google_s_libraries_are_limited() -> None:
    packed = gzip.compress(bytes(50_000_000))

    def bomb(handler: BaseHTTPRequestHandler) -> None:
        begin(handler, Content_Encoding="gzip", Content_Length=str(len(packed)))
        handler.wfile.write(packed)

    with answering(bomb) as url, requests.Session() as session:
        bound_responses(session, 1_000_000)
        with pytest.raises(ResponseTooLargeError):
            session.post(url, data=b"{}")
