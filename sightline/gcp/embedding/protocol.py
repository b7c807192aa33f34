"""The REST protocol of an embedding model: method, request bodies, vector in the response, cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sightline.gcp.image_route import SentImage
from sightline.model import Usage
from sightline.prices import Price


class EmbeddingProtocol(Protocol):
    """One model's REST protocol. Pure."""

    @property
    def method(self) -> str:
        """The method after the colon in the URL."""
        ...

    def check_dimension(self, dimension: int) -> None:
        """Check that the model has vectors of this length.

        Raises:
            ConfigurationError: it does not.
        """
        ...

    def check_text(self, text: str) -> None:
        """Check that the model can read all of this query, without sending a request.

        Raises:
            ConfigurationError: it is too long, or in a language that the model does not support.
        """
        ...

    def image_body(self, image: SentImage, dimension: int) -> dict[str, Any]:
        """Return the request for one image's vector."""
        ...

    def text_body(self, text: str, dimension: int) -> dict[str, Any]:
        """Return the request for a query's vector."""
        ...

    def vector(self, answer: Mapping[str, Any], *, of_image: bool) -> object:
        """Return the unchecked value of the vector's field; ``None`` if it is missing."""
        ...

    def usage(
        self, answer: Mapping[str, Any], price: Price, *, text: str | None, location: str
    ) -> Usage:
        """Return the usage and cost of the call; ``text`` is the query, ``None`` for an image."""
        ...
