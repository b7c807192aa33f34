"""Implements ``Embedder`` with aiohttp: one call for each vector, scaled to unit length."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from sightline.errors import ConfigurationError, PermanentError, Reason
from sightline.gcp.credentials import TokenSource
from sightline.gcp.embedding.embed_content import GeminiApiEmbedding, GeminiEmbedding
from sightline.gcp.embedding.predict import MultimodalEmbedding
from sightline.gcp.embedding.protocol import EmbeddingProtocol
from sightline.gcp.image_route import ImageReader
from sightline.gcp.service import ModelService, gemini_api, vertex_ai
from sightline.gcp.vertex_location import VertexLocation
from sightline.http_client.outcomes import given_up, with_most_cost
from sightline.http_client.session import MOST_RESPONSE_BYTES
from sightline.model import Observation, Usage
from sightline.ports import Embedding
from sightline.prices import Price, embedding_usage, price_of
from sightline.suggestions import did_you_mean

if TYPE_CHECKING:
    import aiohttp

Protocols = Mapping[str, Callable[[], EmbeddingProtocol]]
ON_VERTEX: Protocols = {
    "gemini-embedding-2": GeminiEmbedding,
    "multimodalembedding@001": MultimodalEmbedding,
}
BY_KEY: Protocols = {"gemini-embedding-2": GeminiApiEmbedding}


class GoogleEmbedder:
    """Embeds images and queries with one model at one dimension.

    Created by ``open`` or ``open_with_key``.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        service: ModelService,
        protocol: EmbeddingProtocol,
        *,
        model: str,
        dimension: int,
        prices: Sequence[Price],
        today: Callable[[], date],
    ) -> None:
        self._session = session
        self._service = service
        self._protocol = protocol
        self._model = model
        self._dimension = dimension
        self._prices = prices
        self._today = today

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        model: str,
        dimension: int,
        place: VertexLocation,
        tokens: TokenSource,
        prices: Sequence[Price],
        today: Callable[[], date],
        timeout_s: float,
        read_image: ImageReader | None = None,
        max_response_bytes: int = MOST_RESPONSE_BYTES,
    ) -> AsyncIterator[Self]:
        """Open an embedder on Vertex AI, which reads images from buckets; sends no request yet.

        With ``read_image``, it also accepts files, for queries; their content is sent inside the
        request.

        Raises:
            ConfigurationError: the model is unknown, has no vectors of this dimension, is not
                served there, or has no price.
        """
        protocol = _protocol(ON_VERTEX, model, dimension)
        service = vertex_ai(place, tokens, read_image)
        async with cls._open(
            service, protocol, model, dimension, prices, today, timeout_s, max_response_bytes
        ) as embedder:
            yield embedder

    @classmethod
    @asynccontextmanager
    async def open_with_key(
        cls,
        *,
        model: str,
        dimension: int,
        api_key: str,
        read_image: ImageReader,
        prices: Sequence[Price],
        today: Callable[[], date],
        timeout_s: float,
        base_url: str = "",
        max_response_bytes: int = MOST_RESPONSE_BYTES,
    ) -> AsyncIterator[Self]:
        """Open an embedder on the Gemini API; images are sent inside the requests.

        Raises:
            ConfigurationError: the key, the model or the dimension is invalid, or there is no
                price.
        """
        protocol = _protocol(BY_KEY, model, dimension)
        service = gemini_api(api_key, read_image, base_url=base_url)
        async with cls._open(
            service, protocol, model, dimension, prices, today, timeout_s, max_response_bytes
        ) as embedder:
            yield embedder

    @classmethod
    @asynccontextmanager
    async def _open(
        cls,
        service: ModelService,
        protocol: EmbeddingProtocol,
        model: str,
        dimension: int,
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
            yield cls(
                session,
                service,
                protocol,
                model=model,
                dimension=dimension,
                prices=prices,
                today=today,
            )

    @property
    def model(self) -> str:
        """The model's name, as in part keys."""
        return self._model

    @property
    def dimension(self) -> int:
        """The number of values in a vector."""
        return self._dimension

    async def embed_image(
        self,
        observation: Observation,
        *,
        run_id: str,  # noqa: ARG002 - these methods take no billing labels
    ) -> Embedding:
        """Embed one image, in exactly one call.

        Raises:
            ThrottledError, TransientError, PermanentError, ConfigurationError: see the port.
        """
        image = await self._service.images.image(observation)
        return await self._embed(self._protocol.image_body(image, self._dimension), None)

    async def embed_text(self, text: str) -> Embedding:
        """Embed a query; raises as ``embed_image`` does, and if the model cannot read all of it."""
        self._protocol.check_text(text)
        return await self._embed(self._protocol.text_body(text, self._dimension), text)

    async def _embed(self, body: Mapping[str, Any], text: str | None) -> Embedding:
        price = price_of(self._prices, self._model, self._today())
        location = self._service.place.location
        method = self._protocol.method
        try:
            answer = await self._service.call(self._session, self._model, method, body)
        except PermanentError as error:
            most = embedding_usage(price, location=location)
            raise with_most_cost(error, most) from None
        usage = self._protocol.usage(answer, price, text=text, location=location)
        vector = self._protocol.vector(answer, of_image=text is None)
        return Embedding(unit_vector(vector, self._dimension, usage), usage)


def _protocol(protocols: Protocols, model: str, dimension: int) -> EmbeddingProtocol:
    if model not in protocols:
        accepted = ", ".join(protocols)
        meant = did_you_mean(model, protocols)
        raise ConfigurationError(
            f"models.embed = {model!r} is not accepted{meant}; accepted: {accepted}"
        )
    protocol = protocols[model]()
    protocol.check_dimension(dimension)
    return protocol


def unit_vector(values: object, dimension: int, usage: Usage) -> Sequence[float]:
    """Return a vector of unit length, as a read-only array of float32.

    Raises:
        PermanentError: ``answer_invalid``, with the cost of the call, if the values are not
            ``dimension`` finite numbers, or are all zero.
    """
    vector = np.empty(0)
    if isinstance(values, list) and set(map(type, values)) <= {int, float}:  # no texts, no booleans
        with suppress(OverflowError):  # an integer that is too large for a float
            vector = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        length = float(np.linalg.norm(vector)) if vector.shape == (dimension,) else 0.0
    if not (np.isfinite(length) and length > 0):
        what = f"the model sent no vector of {dimension} numbers but one of shape {vector.shape}"
        raise given_up(Reason.ANSWER_INVALID, what, usage)
    unit = np.asarray(vector / length, dtype=np.float32)
    unit.setflags(write=False)
    return cast("Sequence[float]", unit)
