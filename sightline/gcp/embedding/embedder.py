"""The port ``Embedder`` over aiohttp: one call a vector, vectors of unit length."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from sightline.errors import ConfigurationError, PermanentError, Reason
from sightline.gcp.connection import open_session, post_json
from sightline.gcp.credentials import TokenSource
from sightline.gcp.embedding.embed_content import GeminiEmbedding
from sightline.gcp.embedding.predict import MultimodalEmbedding
from sightline.gcp.embedding.protocol import EmbeddingProtocol
from sightline.gcp.place import Place, image_uri
from sightline.gcp.prices import Price, price_of
from sightline.model import Observation, Usage
from sightline.ports import Embedding

if TYPE_CHECKING:
    import aiohttp

PROTOCOLS: Mapping[str, Callable[[], EmbeddingProtocol]] = {
    "gemini-embedding-2": GeminiEmbedding,
    "multimodalembedding@001": MultimodalEmbedding,
}


class VertexEmbedder:
    """Embeds images and queries with one model at one dimension; made by ``open``."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        protocol: EmbeddingProtocol,
        *,
        model: str,
        dimension: int,
        place: Place,
        tokens: TokenSource,
        prices: Sequence[Price],
        today: Callable[[], date],
    ) -> None:
        self._session = session
        self._protocol = protocol
        self._model = model
        self._dimension = dimension
        self._place = place
        self._tokens = tokens
        self._prices = prices
        self._today = today
        self._url = place.method_url(model, protocol.method)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        model: str,
        dimension: int,
        place: Place,
        tokens: TokenSource,
        prices: Sequence[Price],
        today: Callable[[], date],
        timeout_s: float,
    ) -> AsyncIterator[Self]:
        """Open an embedder, and close its connections in the end; nothing is called yet.

        Raises:
            ConfigurationError: the model is not known, has no vectors of this dimension, is not
                served there, or has no price.
        """
        if model not in PROTOCOLS:
            accepted = ", ".join(PROTOCOLS)
            raise ConfigurationError(
                f"models.embed = {model!r} is not accepted on Vertex AI; accepted: {accepted}"
            )
        protocol = PROTOCOLS[model]()
        protocol.check_dimension(dimension)
        place.check_served(model)
        price_of(prices, model, today())
        async with open_session(timeout_s) as session:
            yield cls(
                session,
                protocol,
                model=model,
                dimension=dimension,
                place=place,
                tokens=tokens,
                prices=prices,
                today=today,
            )

    @property
    def model(self) -> str:
        """The model's name, as it stands in part keys."""
        return self._model

    @property
    def dimension(self) -> int:
        """The length of its vectors."""
        return self._dimension

    async def embed_image(
        self,
        observation: Observation,
        *,
        run_id: str,  # noqa: ARG002 - these methods take no billing labels
    ) -> Embedding:
        """Embed one image, in exactly one call.

        Raises:
            ThrottledError, TransientError, PermanentError, ConfigurationError: as the port says.
        """
        uri = image_uri(observation)
        return await self._embed(self._protocol.image_body(uri, self._dimension), None)

    async def embed_text(self, text: str) -> Embedding:
        """Embed a query; raises as ``embed_image`` does."""
        return await self._embed(self._protocol.text_body(text, self._dimension), text)

    async def _embed(self, body: Mapping[str, Any], text: str | None) -> Embedding:
        answer = await post_json(
            self._session, self._url, body, tokens=self._tokens, model=self._model
        )
        price = price_of(self._prices, self._model, self._today())
        usage = self._protocol.usage(answer, price, text=text, location=self._place.location)
        found = self._protocol.vector(answer, of_image=text is None)
        return Embedding(unit_vector(found, self._dimension, usage), usage)


def unit_vector(values: object, dimension: int, usage: Usage) -> Sequence[float]:
    """Return a vector of unit length, as a read-only array of float32.

    Raises:
        PermanentError: ``answer_invalid`` when these are not so many finite numbers, or all zero;
            with what the call cost.
    """
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        vector = np.empty(0)
    length = float(np.linalg.norm(vector)) if vector.shape == (dimension,) else 0.0
    if not (np.isfinite(length) and length > 0):
        raise PermanentError(
            Reason.ANSWER_INVALID,
            f"the model sent no vector of {dimension} numbers but one of shape {vector.shape}",
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd_micros=usage.cost_usd_micros,
        )
    unit = np.asarray(vector / length, dtype=np.float32)
    unit.setflags(write=False)
    return cast("Sequence[float]", unit)
