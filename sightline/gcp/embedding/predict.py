"""``multimodalembedding@001``: the ``:predict`` method, priced by image and by character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sightline.errors import ConfigurationError
from sightline.gcp.image_route import SentImage
from sightline.model import Usage
from sightline.prices import Price

DIMENSIONS = (128, 256, 512, 1408)
MOST_WORDS = 32
"""The model reads this many tokens of a text, and a word has at least one."""


class MultimodalEmbedding:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/multimodal-embeddings-api"""

    method = "predict"

    def check_dimension(self, dimension: int) -> None:
        """Check that it is one of the model's four dimensions."""
        if dimension not in DIMENSIONS:
            accepted = ", ".join(map(str, DIMENSIONS))
            raise ConfigurationError(
                f"models.embed_dimension = {dimension} is not accepted; accepted: {accepted}"
            )

    def check_text(self, text: str) -> None:
        """Check the number of words, and that the script is Latin, as in English."""
        words = len(re.findall(r"\w+", text))
        if words > MOST_WORDS:
            raise ConfigurationError(
                f"the query has {words} words, and multimodalembedding@001 reads {MOST_WORDS} at"
                " most; shorten it"
            )
        if strange := next(
            (letter for letter in text if letter.isalpha() and not _is_latin(letter)), None
        ):
            raise ConfigurationError(
                f"the query has the letter {strange!r}, and multimodalembedding@001 supports only"
                " English; write it in English, or embed with gemini-embedding-2"
            )

    def image_body(self, image: SentImage, dimension: int) -> dict[str, Any]:
        """Return a request body with one image."""
        if not image.uri:
            return _body({"image": {"bytesBase64Encoded": image.base64}}, dimension)
        return _body({"image": {"gcsUri": image.uri}}, dimension)

    def text_body(self, text: str, dimension: int) -> dict[str, Any]:
        """Return a request body with one text."""
        return _body({"text": text}, dimension)

    def vector(self, answer: Mapping[str, Any], *, of_image: bool) -> object:
        """Return the image's or the text's vector in the prediction."""
        match answer.get("predictions"):
            case [Mapping() as prediction, *_]:
                return prediction.get("imageEmbedding" if of_image else "textEmbedding")
            case _:
                return None

    def usage(
        self,
        answer: Mapping[str, Any],  # noqa: ARG002 - it has no usage
        price: Price,
        *,
        text: str | None,
        location: str,
    ) -> Usage:
        """Return the price of an image, or of a text's characters."""
        if text is None:
            return price.of_image(location=location)
        return price.of_text(text, location=location)


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


def _body(instance: dict[str, Any], dimension: int) -> dict[str, Any]:
    return {"instances": [instance], "parameters": {"dimension": dimension}}
