"""The port ``Classifier`` over google-genai: one call an answer, images by their ``gs://`` URIs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from sightline.errors import SightlineError, TransientError
from sightline.gcp.connection import broken_off, no_answer, open_session
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.gemini.outcome import classification_of
from sightline.gcp.gemini.question import config_of, content_of
from sightline.gcp.place import Place, image_uri
from sightline.gcp.prices import Price, price_of
from sightline.gcp.refusals import error_of, read_refusal
from sightline.model import Observation
from sightline.ports import Classification
from sightline.tasks import TaskSpec

if TYPE_CHECKING:
    import aiohttp
    from google import genai
    from google.genai import types

_REMEMBERED = 64


class GeminiClassifier:
    """Answers tasks with a Gemini model of Vertex AI; made by ``open``."""

    def __init__(
        self,
        client: genai.Client,
        *,
        model: str,
        place: Place,
        tokens: GoogleTokens,
        prices: Sequence[Price],
        today: Callable[[], date],
    ) -> None:
        self._client = client
        self._model = model
        self._place = place
        self._tokens = tokens
        self._prices = prices
        self._today = today
        self._configs: dict[tuple[str, str], types.GenerateContentConfig] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        model: str,
        place: Place,
        tokens: GoogleTokens,
        prices: Sequence[Price],
        today: Callable[[], date],
        timeout_s: float,
    ) -> AsyncIterator[Self]:
        """Open a classifier, and close its connections in the end; nothing is called yet.

        Raises:
            ConfigurationError: the model is not served there, or has no price.
        """
        place.check_served(model)
        price_of(prices, model, today())
        async with open_session(timeout_s) as session:
            client = _client(place, tokens, session, timeout_s)
            try:
                yield cls(
                    client, model=model, place=place, tokens=tokens, prices=prices, today=today
                )
            finally:
                await client.aio.aclose()
                client.close()

    @property
    def model(self) -> str:
        """The model's name, as it stands in part keys."""
        return self._model

    async def classify(
        self, task: TaskSpec, observations: Sequence[Observation], *, run_id: str
    ) -> Classification:
        """Answer a task about one subject, in exactly one call, billed under the run's label.

        Raises:
            ThrottledError, TransientError, PermanentError, ConfigurationError: as the port says.
        """
        content = content_of(task, [image_uri(one) for one in observations])
        config = self._config(task, run_id)
        await self._tokens.token()  # the library then finds credentials that are valid
        response = await self._ask(content, config)
        price = price_of(self._prices, self._model, self._today())
        return classification_of(response, price, location=self._place.location)

    def _config(self, task: TaskSpec, run_id: str) -> types.GenerateContentConfig:
        key = (task.fingerprint, run_id)
        if key not in self._configs:
            if len(self._configs) >= _REMEMBERED:
                self._configs.clear()
            self._configs[key] = config_of(task, run_id=run_id)
        return self._configs[key]

    async def _ask(
        self, content: types.Content, config: types.GenerateContentConfig
    ) -> types.GenerateContentResponse:
        import aiohttp
        from google.genai.errors import APIError

        # Nothing is chained: the library's errors hold the request, and with it the token.
        try:
            return await self._client.aio.models.generate_content(
                model=self._model, contents=content, config=config
            )
        except APIError as error:
            raise self._refused(error) from None
        except TimeoutError:
            raise no_answer(self._model) from None
        except (aiohttp.ClientError, OSError) as error:
            raise broken_off(self._model, error) from None
        except ValueError as error:
            raise TransientError(
                f"{self._model} answered with something unreadable ({type(error).__name__});"
                " trying again"
            ) from None

    def _refused(self, error: Any) -> SightlineError:
        headers = dict(getattr(error.response, "headers", None) or {})
        return error_of(read_refusal(error.code, error.details, headers), model=self._model)


def _client(
    place: Place, tokens: GoogleTokens, session: aiohttp.ClientSession, timeout_s: float
) -> genai.Client:
    from google import genai
    from google.genai import types

    return genai.Client(
        vertexai=True,
        project=place.project,
        location=place.location,
        credentials=tokens.credentials,
        http_options=types.HttpOptions(
            base_url=place.endpoint,
            api_version="v1",
            timeout=max(round(timeout_s * 1000), 1),
            aiohttp_client=session,
            # One attempt, spelled out: without options the library sleeps up to ten seconds after
            # a connection error and calls once more.
            retry_options=types.HttpRetryOptions(attempts=1),
        ),
    )
