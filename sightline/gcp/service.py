"""A service that serves Google's models: where it is, as whom it is called, how images get there.

There are two: Vertex AI, with tokens and images in buckets, and the Gemini API, with a key and
images inside the requests. The models and the bodies are the same but for what stands here.
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
"""Of a whole request (https://ai.google.dev/gemini-api/docs/image-understanding)."""


class ModelPlace(Protocol):
    """Where models are asked."""

    @property
    def location(self) -> str:
        """The location, on which the price depends."""
        ...

    def method_url(self, model: str, method: str) -> str:
        """Return the URL of a model's method."""
        ...

    def location_of(self, model: str) -> str:
        """Return the location of a model, on which its price depends."""
        ...

    def check_served(self, model: str) -> None:
        """Check that a model is served here, as far as that is known without asking.

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
        """Return ``global``: it has one price everywhere."""
        return "global"

    def location_of(self, model: str) -> str:  # noqa: ARG002 - the protocol's
        """Return ``global``, of every model."""
        return self.location

    def method_url(self, model: str, method: str) -> str:
        """Return the URL of a model's method."""
        return f"{(self.base_url or GEMINI_API).rstrip('/')}/v1beta/models/{model}:{method}"

    def check_served(self, model: str) -> None:
        """Check that it is a Gemini model.

        Raises:
            ConfigurationError: it is none.
        """
        if not model.startswith("gemini"):
            raise ConfigurationError(
                f"{model!r} is not served by the Gemini API; set a model whose name begins with"
                " gemini, or ask it on Vertex AI"
            )


@dataclass(frozen=True, slots=True)
class ModelService:
    """A service; ``most_bytes`` bounds one request, ``takes_labels`` says whether bills do."""

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
        """Return what a method answers, in exactly one call; raises as ``post_json`` does."""
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
    """Return Vertex AI at a place. With ``read_image``, files are sent inside the requests."""
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
        # The content alone; Base64 makes four bytes of three.
        Inline(read_image, most_bytes=MOST_INLINE_BYTES // 4 * 3),
        takes_labels=False,
        most_bytes=MOST_INLINE_BYTES,
    )
