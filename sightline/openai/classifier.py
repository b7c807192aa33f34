"""The port ``Classifier`` over chat completions: one call per answer, images in the request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import orjson

from sightline.errors import ConfigurationError, PermanentError, Reason, TransientError
from sightline.http_client.media_types import media_type_of
from sightline.http_client.outcomes import decoded, with_most_cost
from sightline.http_client.session import (
    MOST_RESPONSE_BYTES,
    broken_off,
    no_answer,
    open_session,
    sendable,
)
from sightline.model import Observation, Usage
from sightline.openai.outcome import Cost, classification_of
from sightline.openai.question import InlineImage, body_of
from sightline.openai.refusals import error_of, read_refusal
from sightline.ports import Classification
from sightline.prices import Expected, input_tokens
from sightline.redaction import SECRETS, shown_endpoint
from sightline.settings.endpoints import is_url
from sightline.tasks import TaskSpec

if TYPE_CHECKING:
    import aiohttp

ImageReader = Callable[[Observation], Awaitable[bytes]]
"""Returns an image file's content; raises ``PermanentError`` and ``TransientError``."""


def costs_nothing(_input_tokens: int, _output_tokens: int) -> int:
    """Return 0: the cost of a model on your own machine."""
    return 0


class ChatClassifier:
    """Answers tasks with a chat completions model; created by ``open``."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        model: str,
        url: str,
        headers: Mapping[str, str],
        read_image: ImageReader,
        cost: Cost,
    ) -> None:
        self._session = session
        self._model = model
        self._url = url
        self._headers = headers
        self._read_image = read_image
        self._cost = cost

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        model: str,
        base_url: str,
        read_image: ImageReader,
        timeout_s: float,
        api_key: str = "",
        cost: Cost = costs_nothing,
        max_response_bytes: int = MOST_RESPONSE_BYTES,
    ) -> AsyncIterator[Self]:
        """Open a classifier for the service at ``base_url`` (for example
        ``http://127.0.0.1:8000/v1``).

        ``cost`` returns the price of a call's tokens. No request is sent yet.

        Raises:
            ConfigurationError: the URL or the key is invalid.
        """
        url = _checked(base_url) + "/chat/completions"
        headers = {"Content-Type": "application/json", **_authorisation(api_key, base_url)}
        async with open_session(url, timeout_s=timeout_s, most_bytes=max_response_bytes) as session:
            yield cls(
                session, model=model, url=url, headers=headers, read_image=read_image, cost=cost
            )

    @property
    def model(self) -> str:
        """The model's name, as in part keys."""
        return self._model

    async def classify(
        self,
        task: TaskSpec,
        observations: Sequence[Observation],
        *,
        run_id: str,  # noqa: ARG002 - these services have no labels for billing
    ) -> Classification:
        """Answer a task about one subject, with exactly one call.

        Raises:
            ThrottledError, TransientError, PermanentError, ConfigurationError: see the port.
        """
        images = [await self._image(observation) for observation in observations]
        body = body_of(task, images, model=self._model)
        expected = Expected(input_tokens(task, len(images)), body["max_tokens"])
        try:
            response = await self._post(orjson.dumps(body))
        except PermanentError as error:
            raise with_most_cost(error, self._most_usage(expected)) from None
        return classification_of(response, self._cost, expected)

    def _most_usage(self, expected: Expected) -> Usage:
        """Return an upper estimate of a call's usage, and its cost."""
        cost = self._cost(expected.input_tokens, expected.output_tokens)
        return Usage(expected.input_tokens, expected.output_tokens, cost)

    async def _image(self, observation: Observation) -> InlineImage:
        if observation.gcs_uri.startswith("gs://"):
            raise PermanentError(
                Reason.BAD_URI,
                f"{observation.gcs_uri[:200]!r} is in a bucket, which {self._model} cannot read;"
                " ask Gemini on Vertex AI (adapters.classify = 'vertex'), or import the images as"
                " files",
            )
        content = await self._read_image(observation)
        return InlineImage(media_type_of(content, observation.gcs_uri), content)

    async def _post(self, body: bytes) -> Mapping[str, Any]:
        import aiohttp  # noqa: PLC0415 - start-up

        try:
            async with self._session.post(
                self._url, data=sendable(body), headers=self._headers, allow_redirects=False
            ) as response:
                code, answered, raw = response.status, response.headers, await response.read()
        except TimeoutError:
            raise no_answer(self._model, self._url) from None
        except (aiohttp.ClientError, OSError) as error:
            # Not chained: such an error may carry the request's headers, and with them the key.
            raise broken_off(self._model, error, self._url) from None
        answer = decoded(raw)
        if code != 200:
            raise error_of(read_refusal(code, answer, answered), model=self._model)
        if not isinstance(answer, Mapping):
            raise TransientError(f"{self._model} returned a response that is not a JSON object;"
                                 " trying again")  # fmt: skip
        return answer


def _authorisation(api_key: str, base_url: str) -> dict[str, str]:
    if not api_key:
        return {}
    if not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise ConfigurationError(
            f"the key for {shown_endpoint(base_url)} cannot be sent; set a valid one in the"
            " variable that openai.api_key_env names"
        )
    if "@" in urlsplit(base_url).netloc:
        raise ConfigurationError(
            f"openai.endpoint = {shown_endpoint(base_url)!r} has a user, and there is a key too, of"
            " which a request takes one; remove the user, or unset the variable that"
            " openai.api_key_env names"
        )
    SECRETS.register(api_key)
    return {"Authorization": f"Bearer {api_key}"}


def _checked(base_url: str) -> str:
    if not is_url(base_url) or urlsplit(base_url).query:
        raise ConfigurationError(
            f"openai.endpoint = {shown_endpoint(base_url)!r} is not accepted; give the URL before"
            " /chat/completions, such as http://127.0.0.1:8000/v1"
        )
    return base_url.rstrip("/")
