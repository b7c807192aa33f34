"""How an embedding model is spoken to: its method, its bodies, where its vector is, its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sightline.gcp.image_route import SentImage
from sightline.model import Usage
from sightline.prices import Price


class EmbeddingProtocol(Protocol):
    """One model's REST protocol. Pure: bodies in, vectors and usages out."""

    @property
    def method(self) -> str:
        """The method after the colon in the URL."""
        ...

    def check_dimension(self, dimension: int) -> None:
        """Check that the model has vectors of this length.

        Raises:
            ConfigurationError: it has not.
        """
        ...

    def check_text(self, text: str) -> None:
        """Check that the model takes this query whole, as far as that is known without asking.

        Raises:
            ConfigurationError: it is too long, or in a language that the model does not know.
        """
        ...

    def image_body(self, image: SentImage, dimension: int) -> dict[str, Any]:
        """Return the request for one image's vector."""
        ...

    def text_body(self, text: str, dimension: int) -> dict[str, Any]:
        """Return the request for a query's vector."""
        ...

    def vector(self, answer: Mapping[str, Any], *, of_image: bool) -> object:
        """Return what stands where the vector should be; ``None`` where nothing does."""
        ...

    def usage(
        self, answer: Mapping[str, Any], price: Price, *, text: str | None, location: str
    ) -> Usage:
        """Return what the call used and cost; ``text`` is the query, ``None`` for an image."""
        ...
