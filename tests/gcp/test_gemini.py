"""Gemini's classifier: its requests, its answers, and their cost."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sightline.errors import ConfigurationError, PermanentError, Reason, TransientError
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.gemini.outcome import classification_of
from sightline.gcp.gemini.question import config_of
from sightline.gcp.gemini.thinking import output_tokens, thinking_config
from sightline.gcp.vertex_location import VertexLocation
from sightline.prices import Price, load_prices, price_of
from sightline.sim.vertex import Behaviour, Fault, FaultMix
from sightline.sim.vertex.answers import MadeUpAnswers
from sightline.sim.vertex.requests import GenerateRequest
from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import TaskSpec
from tests.gcp.conftest import DAY, GEMINI, TOKEN, seen

PRICE = price_of(load_prices(), GEMINI, DAY)


class Remembering(MadeUpAnswers):
    """Answers, and records its requests; returns ``says`` instead, if set."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, GenerateRequest]] = []
        self.says: str | None = None

    async def generate(self, model: str, request: GenerateRequest) -> object:
        self.requests.append((model, request))
        return await super().generate(model, request) if self.says is None else self.says


@pytest.fixture
def answerer() -> Remembering:
    return Remembering()


@pytest.fixture
async def simulator(answerer: Remembering) -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator(answerer=answerer) as simulator:
        yield simulator


async def test_an_answer_is_valid_and_costs_what_its_tokens_cost(
    classifier: GeminiClassifier, simulator: VertexSimulator, task: TaskSpec
) -> None:
    classification = await classifier.classify(task, [seen()], run_id="r1")
    task.validate_answer(classification.answer)
    assert classification.finish_reason == "STOP"
    used = simulator.counters
    assert (classification.usage.input_tokens, classification.usage.output_tokens) == (
        used.input_tokens,
        used.output_tokens,
    )
    assert classification.usage.cost_usd_micros == round(
        used.input_tokens * 1.5 + used.output_tokens * 9.0
    )


async def test_images_are_sent_by_reference_in_order_under_the_run_s_label(
    classifier: GeminiClassifier, answerer: Remembering, task: TaskSpec
) -> None:
    await classifier.classify(task, [seen(2), seen(1)], run_id="Run 7")
    ((model, request),) = answerer.requests
    assert model == GEMINI == classifier.model
    assert [image.uri for image in request.images] == [
        "gs://images/s1/v0/o2.jpg",
        "gs://images/s1/v0/o1.jpg",
    ]
    assert not any(image.content for image in request.images)
    assert request.text == task.prompt
    assert request.labels == {"sightline_run": "run-7", "sightline_task": "road_signs"}
    assert request.tokens_per_image == 560
    assert request.max_output_tokens == output_tokens(GEMINI, task.max_output_tokens, None)
    assert request.schema is not None
    assert set(request.schema["properties"]) == {field.name for field in task.fields}
    assert request.schema["propertyOrdering"] == [field.name for field in task.fields]


def test_a_task_s_parameters_are_sent_and_no_others(task: TaskSpec) -> None:
    plain = config_of(task, model=GEMINI)
    assert not {"thinkingConfig", "seed"} & set(plain)
    assert plain["temperature"] == 0.0
    own = config_of(
        replace(task, seed=7, thinking_budget=0, temperature=0.5, media_resolution="high"),
        model=GEMINI,
    )
    assert own["thinkingConfig"] == {"thinkingLevel": "MINIMAL"}
    assert (own["seed"], own["temperature"]) == (7, 0.5)
    assert own["mediaResolution"] == "MEDIA_RESOLUTION_HIGH"


@pytest.mark.parametrize(
    ("model", "budget", "config", "room"),
    [
        ("gemini-2.0-flash", None, None, 0),
        ("gemini-2.5-flash", None, None, 8192),
        ("gemini-2.5-flash", 0, {"thinkingBudget": 0}, 0),
        ("gemini-2.5-flash", 512, {"thinkingBudget": 512}, 512),
        ("gemini-2.5-flash", -1, None, 8192),
        ("gemini-3.5-flash", None, None, 8192),
        ("gemini-3.5-flash", 0, {"thinkingLevel": "MINIMAL"}, 0),
        ("gemini-3.5-flash", 512, {"thinkingLevel": "LOW"}, 1024),
        ("gemini-3.5-flash", 8192, {"thinkingLevel": "MEDIUM"}, 8192),
        ("gemini-3.5-flash", 30_000, {"thinkingLevel": "HIGH"}, 24_576),
        ("gemini-flash-latest", 1, {"thinkingLevel": "LOW"}, 1024),
    ],
)
def test_thinking_parameters_follow_the_model_and_do_not_reduce_the_answer_s_tokens(
    model: str, budget: int | None, config: dict[str, Any] | None, room: int
) -> None:
    assert thinking_config(model, budget) == config
    assert output_tokens(model, 1000, budget) == 1000 + room


def test_the_allowance_for_thoughts_stays_within_the_model_s_limit() -> None:
    assert output_tokens(GEMINI, 60_000, 24_576) == 65_536


@pytest.mark.parametrize("text", ["", "Certainly! Here", '["a"]', "null", '{"a": '])
async def test_an_answer_that_is_not_an_object_is_invalid_and_has_its_cost(
    text: str, classifier: GeminiClassifier, answerer: Remembering, task: TaskSpec
) -> None:
    answerer.says = text
    with pytest.raises(PermanentError) as caught:
        await classifier.classify(task, [seen()], run_id="r")
    assert caught.value.reason is Reason.ANSWER_INVALID
    assert caught.value.cost_usd_micros > 0


@pytest.mark.parametrize(
    ("fault", "output"),
    [
        (Fault.MAX_TOKENS, True),
        (Fault.SAFETY, False),
        (Fault.RECITATION, False),
        (Fault.PROMPT_BLOCKED, False),
        (Fault.NO_CANDIDATES, False),
    ],
)
async def test_a_paid_call_that_failed_has_its_cost(
    fault: Fault,
    output: bool,
    classifier: GeminiClassifier,
    simulator: VertexSimulator,
    task: TaskSpec,
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({fault: 1.0})))
    with pytest.raises((PermanentError, TransientError)) as caught:
        await classifier.classify(task, [seen()], run_id="r")
    used = simulator.counters
    assert caught.value.input_tokens == used.input_tokens > 0
    assert caught.value.output_tokens == used.output_tokens
    assert (caught.value.output_tokens > 0) is output
    assert caught.value.cost_usd_micros == round(used.input_tokens * 1.5 + used.output_tokens * 9)


def candidate(text: str = "{}", **fields: Any) -> dict[str, Any]:
    return {"content": {"parts": [{"text": text}]}, "finishReason": "STOP", **fields}


def test_thoughts_cost_as_output_and_are_not_part_of_the_answer() -> None:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "thoughtsTokenCount": 40}
    parts = [{"text": "Hm.", "thought": True}, {"text": '{"a":'}, {"text": " 1}"}]
    response = {"candidates": [candidate(content={"parts": parts})], "usageMetadata": usage}
    classification = classification_of(response, PRICE, location="global")
    assert classification.answer == {"a": 1}
    assert classification.usage.output_tokens == 50
    assert classification.usage.cost_usd_micros == 100 * 1.5 + 50 * 9


def test_cached_tokens_cost_less() -> None:
    usage = {"promptTokenCount": 1000, "cachedContentTokenCount": 400}
    response = {"candidates": [candidate()], "usageMetadata": usage}
    classification = classification_of(response, PRICE, location="global")
    assert classification.usage.input_tokens == 1000
    assert classification.usage.cost_usd_micros == 600 * 1.5 + 400 * 0.15


ENDINGS: list[tuple[str | None, Reason | None]] = [
    ("PROHIBITED_CONTENT", Reason.BLOCKED_BY_SAFETY),
    ("SPII", Reason.BLOCKED_BY_SAFETY),
    ("BLOCKLIST", Reason.BLOCKED_BY_SAFETY),
    ("IMAGE_RECITATION", Reason.RECITATION),
    ("LANGUAGE", Reason.ANSWER_INVALID),
    ("OTHER", None),
    ("SOMETHING_NEW", None),
    ("FINISH_REASON_UNSPECIFIED", None),
    (None, None),
]


@pytest.mark.parametrize("paid", [False, True])
@pytest.mark.parametrize(("ending", "reason"), ENDINGS)
def test_a_response_without_an_answer_is_retried_only_if_it_cost_nothing(
    ending: str | None, reason: Reason | None, paid: bool
) -> None:
    response = {
        "candidates": [candidate(finishReason=ending)],
        "usageMetadata": {"promptTokenCount": 700} if paid else {},
    }
    with pytest.raises((PermanentError, TransientError)) as caught:
        classification_of(response, PRICE, location="global")
    expected = Reason.ANSWER_INVALID if paid and reason is None else reason
    assert getattr(caught.value, "reason", None) is expected
    assert caught.value.input_tokens == (700 if paid else 0)


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"candidates": []},
        {"candidates": "x", "usageMetadata": [], "promptFeedback": 1},
        {"candidates": [1]},
        {"usageMetadata": {"promptTokenCount": "many"}},
    ],
)
def test_a_response_of_any_form_is_read(response: dict[str, Any]) -> None:
    with pytest.raises(TransientError):
        classification_of(response, PRICE, location="global")


@pytest.mark.parametrize("content", [None, {}, {"parts": None}, {"parts": [1, {"text": None}]}])
def test_a_candidate_without_text_is_no_answer(content: Any) -> None:
    with pytest.raises(PermanentError, match="answer_invalid"):
        classification_of({"candidates": [candidate(content=content)]}, PRICE, location="global")


def test_a_response_without_usage_has_no_known_cost() -> None:
    classification = classification_of({"candidates": [candidate()]}, PRICE, location="global")
    assert classification.usage.cost_usd_micros == 0


async def opened(model: str, location: str, prices: Sequence[Price]) -> None:
    async with GeminiClassifier.open(
        model=model, place=VertexLocation("p", location), tokens=GoogleTokens.fixed(TOKEN),
        prices=prices,
        today=lambda: DAY, timeout_s=1.0,
    ):  # fmt: skip
        pass


@pytest.mark.parametrize(
    ("model", "location", "prices"),
    [(GEMINI, "us-central1", load_prices()), (GEMINI, "us", ())],
)
async def test_an_invalid_configuration_is_reported_before_any_call(
    model: str, location: str, prices: Sequence[Price]
) -> None:
    with pytest.raises(ConfigurationError):
        await opened(model, location, prices)


@pytest.mark.parametrize("fault", [None, Fault.RESET, Fault.UNAUTHENTICATED, Fault.THROTTLED])
async def test_no_token_is_ever_logged(
    fault: Fault | None,
    classifier: GeminiClassifier,
    simulator: VertexSimulator,
    task: TaskSpec,
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({} if fault is None else {fault: 1.0})))
    caplog.set_level(logging.DEBUG)
    try:
        await classifier.classify(task, [seen()], run_id="r")
    except Exception:
        logging.getLogger("test").exception("as a careless caller would log it")
    assert TOKEN not in caplog.text
    assert (fault is None) is ("careless" not in caplog.text)
