"""A tuned model as the configured model: its endpoint, its price, its allowance for thoughts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sightline.errors import ConfigurationError, PermanentError
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.image_route import SentImage
from sightline.gcp.sql.remote_models import remote_model
from sightline.gcp.vertex_location import VertexLocation, tuned_location
from sightline.model import AnswerPart
from sightline.prices import Price, load_prices, price_of
from sightline.settings import Settings
from sightline.sim.vertex.answers import MadeUpAnswers
from sightline.sim.vertex.requests import GenerateRequest
from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import TaskSpec
from sightline.wiring.prices import pricing
from sightline.work_lists import check_in_batch
from tests.gcp.conftest import DAY, TOKEN, seen

ENDPOINT = "projects/other/locations/europe-west4/endpoints/123"
OLD = Price("gemini-2.5-flash", DAY, input_usd=1.0, output_usd=2.0, elsewhere=3.0)
PRICES = (OLD, Price(ENDPOINT, DAY, tuned_from=OLD.model))


class Remembering(MadeUpAnswers):
    """Answers, also for tuned models, and records its requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, GenerateRequest]] = []

    async def generate(self, model: str, request: GenerateRequest) -> object:
        self.requests.append((model, request))
        return await super().generate(model, request)


@pytest.mark.parametrize(
    ("own", "url"),
    [
        ("global", "https://europe-west4-aiplatform.googleapis.com"),
        ("us", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_a_tuned_model_is_called_at_its_own_endpoint(own: str, url: str) -> None:
    place = VertexLocation("p", own)
    assert place.method_url(ENDPOINT, "generateContent") == f"{url}/v1/{ENDPOINT}:generateContent"
    assert place.location_of(ENDPOINT) == "europe-west4"
    assert place.location_of("gemini-3.5-flash") == own
    place.check_served(ENDPOINT)


@pytest.mark.parametrize(
    "name", ["projects/p/locations/l/models/7", "tunedModels/x", f"{ENDPOINT}/x", f"{ENDPOINT}:x"]
)
def test_another_resource_is_not_a_model(name: str) -> None:
    assert tuned_location(name) is None
    with pytest.raises(ConfigurationError, match="`sightline tune status` shows it"):
        VertexLocation("p", "us").check_served(name)


def test_a_tuned_model_costs_what_its_base_does_in_its_own_location() -> None:
    price = price_of(PRICES, ENDPOINT, DAY)
    assert price.base_model == OLD.model
    assert replace(price, model=OLD.model, tuned_from="") == OLD


def test_a_price_of_a_tuned_model_of_a_tuned_model_is_refused() -> None:
    chain = (*PRICES, Price("again", DAY, tuned_from=ENDPOINT))
    with pytest.raises(ConfigurationError, match="both began from"):
        price_of(chain, "again", DAY)


@pytest.mark.parametrize("more", ["input_usd = 1", "training_usd = 1"])
def test_an_entry_has_numbers_or_says_where_they_are(tmp_path: Path, more: str) -> None:
    file = tmp_path / "prices.toml"
    entry = f'[[price]]\nmodel = "{ENDPOINT}"\nsince = 2026-01-01\ntuned_from = "gemini-3.5-flash"'
    file.write_text(entry + "\n")
    assert price_of(load_prices(file), ENDPOINT, DAY).input_usd == 1.5
    file.write_text(f"{entry}\n{more}\n")
    with pytest.raises(ConfigurationError, match="or tuned_from"):
        load_prices(file)


def test_estimates_count_with_the_tuned_model_s_own_location() -> None:
    plain = Settings()
    own = replace(plain, models=replace(plain.models, classify=ENDPOINT))
    assert pricing(own).answers_at == "europe-west4"
    assert pricing(own).embeddings_at == plain.vertex.location


def test_no_statement_and_no_batch_job_calls_a_tuned_model() -> None:
    with pytest.raises(ConfigurationError, match="let workers do it"):
        remote_model(ENDPOINT, VertexLocation("p", "us"), "p.us.models")
    with pytest.raises(ConfigurationError, match="cannot be called by batch prediction jobs"):
        check_in_batch(AnswerPart("signs", "f" * 64, ENDPOINT))


@pytest.fixture
async def simulator() -> AsyncIterator[VertexSimulator]:
    async with VertexSimulator(answerer=Remembering()) as simulator:
        yield simulator


async def test_a_missing_endpoint_stops_the_job_without_dead_letters(
    simulator: VertexSimulator, task: TaskSpec
) -> None:
    async with GeminiClassifier.open(
        model=ENDPOINT,
        place=VertexLocation("p", "global", simulator.base_url),
        tokens=GoogleTokens.fixed(TOKEN),
        prices=PRICES,
        today=lambda: DAY,
        timeout_s=30.0,
    ) as model:
        with pytest.raises(ConfigurationError, match="set another model"):
            await model.classify(task, [seen()], run_id="r")


async def test_a_tuned_model_without_a_price_is_not_opened(simulator: VertexSimulator) -> None:
    opening = GeminiClassifier.open(
        model=ENDPOINT,
        place=VertexLocation("p", "global", simulator.base_url),
        tokens=GoogleTokens.fixed(TOKEN),
        prices=(OLD,),
        today=lambda: DAY,
        timeout_s=30.0,
    )
    with pytest.raises(ConfigurationError, match="tuned_from instead of numbers"):
        async with opening:
            pass


async def test_the_request_has_the_parameters_of_the_base_model(task: TaskSpec) -> None:
    calls: list[Any] = []

    class Service:
        place = VertexLocation("p", "global")
        takes_labels = True

        class images:  # noqa: N801 - stands for an attribute
            @staticmethod
            async def image(observation: Any) -> Any:
                return SentImage("image/jpeg", uri=observation.gcs_uri)

        async def call(self, *arguments: Any) -> Any:
            calls.append(arguments)
            return {"candidates": [], "usageMetadata": {"promptTokenCount": 1_000_000}}

    model = GeminiClassifier(
        None,  # type: ignore[arg-type]  # the service of this test needs none
        Service(),  # type: ignore[arg-type]  # the same
        model=ENDPOINT,
        prices=PRICES,
        today=lambda: DAY,
    )
    with pytest.raises(PermanentError) as caught:
        await model.classify(replace(task, thinking_budget=0), [seen()], run_id="r")
    (_, endpoint, method, body) = calls[0]
    assert (endpoint, method) == (ENDPOINT, "generateContent")
    assert body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}
    assert caught.value.cost_usd_micros == 3_000_000
