"""Implements ``Classifier`` with ``generateContent``: one call for each answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from sightline.errors import PermanentError
from sightline.gcp.credentials import TokenSource
from sightline.gcp.gemini.outcome import classification_of
from sightline.gcp.gemini.question import config_of, content_of, labels_of
from sightline.gcp.image_route import ImageReader
from sightline.gcp.service import ModelService, gemini_api, vertex_ai
from sightline.gcp.vertex_location import VertexLocation
from sightline.http_client.outcomes import with_most_cost
from sightline.http_client.session import MOST_RESPONSE_BYTES
from sightline.model import Observation
from sightline.ports import Classification
from sightline.prices import Expected, Price, Tokens, input_tokens, price_of
from sightline.tasks import TaskSpec

if TYPE_CHECKING:
    import aiohttp

_CACHED_CONFIGS = 64


class GeminiClassifier:
    """Answers tasks with a Gemini model; created by ``open`` or ``open_with_key``."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        service: ModelService,
        *,
        model: str,
        prices: Sequence[Price],
        today: Callable[[], date],
    ) -> None:
        self._session = session
        self._service = service
        self._model = model
        self._prices = prices
        self._today = today
        self._configs: dict[str, dict[str, Any]] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        model: str,
        place: VertexLocation,
        tokens: TokenSource,
        prices: Sequence[Price],
        today: Callable[[], date],
        timeout_s: float,
        max_response_bytes: int = MOST_RESPONSE_BYTES,
    ) -> AsyncIterator[Self]:
        """Open a classifier on Vertex AI, which reads images from buckets; sends no request yet.

        Raises:
            ConfigurationError: the model is not served there, or has no price.
        """
        service = vertex_ai(place, tokens)
        async with cls._open(
            service, model, prices, today, timeout_s, max_response_bytes
        ) as classifier:
            yield classifier

    @classmethod
    @asynccontextmanager
    async def open_with_key(
        cls,
        *,
        model: str,
        api_key: str,
        read_image: ImageReader,
        prices: Sequence[Price],
        today: Callable[[], date],
        timeout_s: float,
        base_url: str = "",
        max_response_bytes: int = MOST_RESPONSE_BYTES,
    ) -> AsyncIterator[Self]:
        """Open a classifier on the Gemini API; images are sent inside the requests.

        Raises:
            ConfigurationError: the key or the model is invalid, or there is no price.
        """
        service = gemini_api(api_key, read_image, base_url=base_url)
        async with cls._open(
            service, model, prices, today, timeout_s, max_response_bytes
        ) as classifier:
            yield classifier

    @classmethod
    @asynccontextmanager
    async def _open(
        cls,
        service: ModelService,
        model: str,
        prices: Sequence[Price],
        today: Callable[[], date],
        timeout_s: float,
        max_response_bytes: int,
    ) -> AsyncIterator[Self]:
        service.place.check_served(model)
        price_of(prices, model, today())
        async with service.session(
            model, timeout_s=timeout_s, max_response_bytes=max_response_bytes
        ) as session:
            yield cls(session, service, model=model, prices=prices, today=today)

    @property
    def model(self) -> str:
        """The model's name, as in part keys."""
        return self._model

    async def classify(
        self, task: TaskSpec, observations: Sequence[Observation], *, run_id: str
    ) -> Classification:
        """Answer a task about one subject, in exactly one call, billed under the run's label.

        Raises:
            ThrottledError, TransientError, PermanentError, ConfigurationError: see the port.
        """
        images = [await self._service.images.image(observation) for observation in observations]
        config = self._config(task)
        body: dict[str, Any] = {
            "contents": [content_of(task, images)],
            "generationConfig": config,
        }
        if self._service.takes_labels:
            body["labels"] = labels_of(task, run_id=run_id)
        price = price_of(self._prices, self._model, self._today())
        where = self._service.place.location_of(self._model)
        expected = Expected(input_tokens(task, len(images)), config["maxOutputTokens"])
        try:
            response = await self._service.call(self._session, self._model, "generateContent", body)
        except PermanentError as error:
            most = Tokens(input=expected.input_tokens, output=expected.output_tokens, cached=0)
            raise with_most_cost(error, price.of_tokens(most, location=where)) from None
        return classification_of(response, price, location=where, expected=expected)

    def _config(self, task: TaskSpec) -> dict[str, Any]:
        key = task.fingerprint
        if key not in self._configs:
            if len(self._configs) >= _CACHED_CONFIGS:
                self._configs.clear()
            # A tuned model accepts the parameters of its base model.
            base = price_of(self._prices, self._model, self._today()).base_model
            self._configs[key] = config_of(task, model=base)
        return self._configs[key]
