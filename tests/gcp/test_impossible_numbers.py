"""Impossible numbers in responses: the answer is kept, and its cost is limited."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from sightline.errors import PermanentError, Reason, TransientError
from sightline.gcp.embedding.embed_content import GeminiEmbedding
from sightline.gcp.embedding.embedder import unit_vector
from sightline.gcp.gemini.outcome import classification_of
from sightline.http_client.outcomes import decoded
from sightline.model import Usage
from sightline.openai.outcome import classification_of as chat_classification_of
from sightline.prices import MOST_INPUT_TOKENS, MOST_OUTPUT_TOKENS, Expected, Price

EXPECTED = Expected(600, 1024)
PRICE = Price("m", date(2026, 1, 1), input_usd=1.0, cached_input_usd=0.1, output_usd=2.0)
IMPOSSIBLE: list[Any] = [2**64 - 1, 2**63, MOST_INPUT_TOKENS + 1, -1, 1.5, 12.0, True, "7", [], {}]


def gemini(**counts: Any) -> Usage:
    """Return the usage of an answer with these counts."""
    candidate = {"content": {"parts": [{"text": "{}"}]}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 500, "candidatesTokenCount": 20, **counts}
    response = {"candidates": [candidate], "usageMetadata": usage}
    classification = classification_of(response, PRICE, location="global", expected=EXPECTED)
    assert classification.usage.possible
    return classification.usage


def chat(**counts: Any) -> Usage:
    """Return the usage of a chat completion with these counts."""
    choice = {"message": {"content": "{}"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 500, "completion_tokens": 20, **counts}
    response = {"choices": [choice], "usage": usage}
    classification = chat_classification_of(response, lambda i, o: i + 2 * o, EXPECTED)
    assert classification.usage.possible
    return classification.usage


@pytest.mark.parametrize("value", IMPOSSIBLE)
def test_an_impossible_input_count_is_replaced_by_the_estimate(value: Any) -> None:
    expected = Usage(600, 20, 600 + 2 * 20)
    assert gemini(promptTokenCount=value) == expected
    assert chat(prompt_tokens=value) == expected


@pytest.mark.parametrize("value", IMPOSSIBLE)
def test_an_impossible_output_count_is_replaced_by_the_limit(value: Any) -> None:
    expected = Usage(500, 1024, 500 + 2 * 1024)
    assert gemini(candidatesTokenCount=value) == expected
    assert gemini(thoughtsTokenCount=value) == expected
    assert chat(completion_tokens=value) == expected


@pytest.mark.parametrize("value", [*IMPOSSIBLE, 501])
def test_cached_tokens_never_exceed_the_input(value: Any) -> None:
    assert gemini(cachedContentTokenCount=value) == Usage(500, 20, 500 + 2 * 20)


def test_counts_up_to_those_of_the_largest_models_are_kept() -> None:
    most = {"promptTokenCount": MOST_INPUT_TOKENS, "candidatesTokenCount": MOST_OUTPUT_TOKENS}
    assert gemini(**most).input_tokens == MOST_INPUT_TOKENS
    assert gemini(**most).output_tokens == MOST_OUTPUT_TOKENS
    assert gemini(**most, thoughtsTokenCount=1).output_tokens == 1024, "together they are too many"


def test_an_answer_without_a_count_still_has_a_cost() -> None:
    assert gemini(promptTokenCount=None) == Usage(600, 20, 600 + 2 * 20)
    assert chat(prompt_tokens=None) == Usage(600, 20, 600 + 2 * 20)
    with pytest.raises(TransientError) as raised:  # nothing was answered, and nothing counted
        classification_of({"candidates": []}, PRICE, location="global", expected=EXPECTED)
    assert raised.value.input_tokens == 0


@pytest.mark.parametrize("value", [*IMPOSSIBLE, None])
def test_an_embedding_counts_an_image_s_usual_tokens(value: Any) -> None:
    price = Price("e", date(2026, 1, 1), input_usd=1.0, tokens_an_image=258)
    response = {"usageMetadata": {"promptTokenCount": value}}
    usage = GeminiEmbedding().usage(response, price, text=None, location="global")
    assert usage == Usage(258, 0, 258)


@pytest.mark.parametrize(
    "values", [[True, 1.0], ["1", "2"], [10**400, 1.0], [1e300, 1e300], [float("nan"), 1.0], "12"]
)
def test_a_vector_of_anything_but_numbers_is_invalid(values: Any) -> None:
    with pytest.raises(PermanentError) as raised:
        unit_vector(values, 2, Usage(1, 0, 1))
    assert (raised.value.reason, raised.value.cost_usd_micros) == (Reason.ANSWER_INVALID, 1)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"embedding":{"values":[NaN,1.0]}}',
        b'{"embedding":{"values":[Infinity,1.0]}}',
        b'{"embedding":{"values":[1e999,1.0]}}',
    ],
)
def test_a_response_with_a_number_that_json_forbids_is_read_and_not_requested_again(
    raw: bytes,
) -> None:
    response = decoded(raw)
    assert isinstance(response, dict)
    with pytest.raises(PermanentError):
        unit_vector(response["embedding"]["values"], 2, Usage())


def test_an_answer_that_is_not_unicode_is_invalid_and_not_requested_again() -> None:
    text = orjson.dumps('{"note":"@"}').replace(b"@", rb"\ud800")
    raw = rb'{"choices":[{"message":{"content":%s},"finish_reason":"stop"}]}' % text
    with pytest.raises(PermanentError) as raised:
        chat_classification_of(decoded(raw), lambda i, _: i, EXPECTED)  # type: ignore[arg-type]  # an object
    assert (raised.value.reason, raised.value.cost_usd_micros) == (Reason.ANSWER_INVALID, 600)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"\xff\xfe{}", b"[" * 100_000, b'{"a":'])
def test_a_body_that_is_not_json_is_empty(raw: bytes) -> None:
    assert decoded(raw) is None
