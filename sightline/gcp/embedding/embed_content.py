"""``gemini-embedding-2``: the ``:embedContent`` method, priced by token.

Several images in one request would be combined into one vector, so a request has one image. Queries
have a prefix that states their purpose; images have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.errors import ConfigurationError
from sightline.gcp.image_route import SentImage
from sightline.model import Usage
from sightline.prices import Expected, Price, Tokens, counted_input

LEAST, MOST = 128, 3072
MOST_CHARACTERS = 4 * 8192
"""8,192 tokens of about four characters, by Google's rule of thumb."""

QUERY_PREFIX = "task: search result | query: "


class GeminiEmbedding:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/get-multimodal-embeddings"""

    method = "embedContent"

    def check_dimension(self, dimension: int) -> None:
        """Check that it is within the model's limits."""
        if not LEAST <= dimension <= MOST:
            raise ConfigurationError(
                f"models.embed_dimension = {dimension} is not accepted; accepted: {LEAST} to {MOST}"
            )

    def check_text(self, text: str) -> None:
        """Check the length; the model supports more than 100 languages."""
        if len(text) > MOST_CHARACTERS:
            raise ConfigurationError(
                f"the query has {len(text):,} characters, and gemini-embedding-2 reads about"
                f" {MOST_CHARACTERS:,}; shorten it"
            )

    def image_body(self, image: SentImage, dimension: int) -> dict[str, Any]:
        """Return the request body for an image."""
        return self._body(image.part, dimension)

    def text_body(self, text: str, dimension: int) -> dict[str, Any]:
        """Return the request body for a query."""
        return self._body({"text": QUERY_PREFIX + text}, dimension)

    def vector(
        self,
        answer: Mapping[str, Any],
        *,
        of_image: bool,  # noqa: ARG002 - the field is the same for both
    ) -> object:
        """Return the values of the embedding."""
        embedding = answer.get("embedding")
        return embedding.get("values") if isinstance(embedding, Mapping) else None

    def usage(
        self, answer: Mapping[str, Any], price: Price, *, text: str | None, location: str
    ) -> Usage:
        """Return the tokens counted in the response; the expected number if it has no count."""
        usage = answer.get("usageMetadata")
        usual = price.tokens_an_image if text is None else max(len(text) // 4, 1)
        total = counted_input(
            [usage.get("promptTokenCount") if isinstance(usage, Mapping) else None],
            Expected(usual),
            answered=True,
        )
        seen = total if text is None else 0
        return price.of_tokens(Tokens(input=total, image=seen), location=location)

    def _body(self, part: dict[str, Any], dimension: int) -> dict[str, Any]:
        return {
            "content": {"role": "user", "parts": [part]},
            "embedContentConfig": {"outputDimensionality": dimension},
        }


class GeminiApiEmbedding(GeminiEmbedding):
    """The same model on the Gemini API, where the dimension is a field of the request itself.

    https://ai.google.dev/api/embeddings#method:-models.embedcontent
    """

    def _body(self, part: dict[str, Any], dimension: int) -> dict[str, Any]:
        return {"content": {"parts": [part]}, "outputDimensionality": dimension}
