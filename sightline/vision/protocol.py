"""What every encoder of pictures and words offers, whichever weights stand behind it."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: A picture: bytes (height, width, 3), or a Pillow image.
Picture = NDArray[np.uint8] | Image.Image
Vectors = NDArray[np.float32]


@runtime_checkable
class VisionEncoder(Protocol):
    """Pictures and texts as unit vectors in one space; safe to call from several threads."""

    @property
    def name(self) -> str:
        """The model's name, as results keep it."""

    @property
    def dimension(self) -> int:
        """Length of every vector."""

    @property
    def preferred_size(self) -> tuple[int, int]:
        """Width and height that the model reads: a hint for decoding (JPEG draft mode)."""

    def preprocess(self, image: Image.Image) -> NDArray[Any]:
        """One picture as the array that the model reads; may run in any thread."""

    def encode_images(self, images: Sequence[NDArray[Any] | Image.Image]) -> Vectors:
        """Unit vectors of pictures or of what ``preprocess`` made of them: (n, dimension)."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts, (n, dimension)."""

    def unknown_words(self, text: str) -> list[str]:
        """Words of a text that mean nothing to the model; empty for a model that splits words."""

    def says_nothing(self, text: str) -> bool:
        """Whether no word of a text says anything about images to the model."""
