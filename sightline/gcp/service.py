"""The two services for Google's models: location, credentials, and how images are sent.

Vertex AI uses access tokens and images in buckets; the Gemini API uses a key and images inside the
requests. The models and the request bodies are the same except for what this module defines.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sightline.errors import ConfigurationError
from sightline.gcp.access import Access, KeyAccess, TokenAccess
from sightline.gcp.connection import post_json
from sightline.gcp.credentials import TokenSource
from sightline.gcp.image_route import (
    ByReference,
    ByReferenceOrInline,
    ImageReader,
    ImageRoute,
    Inline,
)
from sightline.gcp.vertex_location import VertexLocation
from sightline.http_client.session import open_session

if TYPE_CHECKING:
    import aiohttp

GEMINI_API = "https://generativelanguage.googleapis.com"
MOST_INLINE_BYTES = 20_000_000
"""The limit of a whole request (https://ai.google.dev/gemini-api/docs/image-understanding)."""


class ModelPlace(Protocol):
    """The endpoint and location of models."""

    @property
    def location(self) -> str:
        """The location, which the price depends on."""
        ...

    def method_url(self, model: str, method: str) -> str:
        """Return the URL of a model's method."""
        ...

    def location_of(self, model: str) -> str:
        """Return the location of a model, which its price depends on."""
        ...

    def check_served(self, model: str) -> None:
        """Check that a model may be served here, without sending a request.

        Raises:
            ConfigurationError: it is not.
        """
        ...


@dataclass(frozen=True, slots=True)
class GeminiApi:
    """The Gemini API; ``base_url`` replaces Google's endpoint."""

    base_url: str = ""

    @property
    def location(self) -> str:
        """Return ``global``: prices do not depend on a location."""
        return "global"

    def location_of(self, model: str) -> str:  # noqa: ARG002 - the protocol's
        """Return ``global`` for every model."""
        return self.location

    def method_url(self, model: str, method: str) -> str:
        """Return the URL of a model's method."""
        return f"{(self.base_url or GEMINI_API).rstrip('/')}/v1beta/models/{model}:{method}"

    def check_served(self, model: str) -> None:
        """Check that it is a Gemini model.

        Raises:
            ConfigurationError: it is not.
        """
        if not model.startswith("gemini"):
            raise ConfigurationError(
                f"{model!r} is not served by the Gemini API; set a model whose name begins with"
                " gemini, or use Vertex AI"
            )


@dataclass(frozen=True, slots=True)
class ModelService:
    """A service; ``most_bytes`` limits a request, ``takes_labels`` is true if it has labels."""

    place: ModelPlace
    access: Access
    images: ImageRoute
    takes_labels: bool
    most_bytes: int | None = None

    def session(
        self, model: str, *, timeout_s: float, max_response_bytes: int
    ) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
        """Return a session for calls of one model, to be entered."""
        url = self.place.method_url(model, "")
        return open_session(url, timeout_s=timeout_s, most_bytes=max_response_bytes)

    async def call(
        self, session: aiohttp.ClientSession, model: str, method: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Call a method exactly once and return its response; raises as ``post_json`` does."""
        return await post_json(
            session,
            self.place.method_url(model, method),
            body,
            access=self.access,
            model=model,
            most_bytes=self.most_bytes,
        )


def vertex_ai(
    place: VertexLocation, tokens: TokenSource, read_image: ImageReader | None = None
) -> ModelService:
    """Return Vertex AI at a location. With ``read_image``, files are sent inside the requests."""
    images: ImageRoute = ByReference()
    if read_image is not None:
        images = ByReferenceOrInline(Inline(read_image, most_bytes=MOST_INLINE_BYTES // 4 * 3))
    return ModelService(place, TokenAccess(tokens), images, takes_labels=True)


def gemini_api(api_key: str, read_image: ImageReader, *, base_url: str = "") -> ModelService:
    """Return the Gemini API.

    Raises:
        ConfigurationError: the key is empty, or cannot be sent.
    """
    if not (api_key and api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise ConfigurationError(
            "the Gemini API key is missing or invalid; set one in the variable"
            " that gemini.api_key_env names (https://aistudio.google.com makes them)"
        )
    return ModelService(
        GeminiApi(base_url),
        KeyAccess(api_key),
        # The limit of the content alone; Base64 turns three bytes into four.
        Inline(read_image, most_bytes=MOST_INLINE_BYTES // 4 * 3),
        takes_labels=False,
        most_bytes=MOST_INLINE_BYTES,
    )
