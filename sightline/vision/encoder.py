"""The demo model: a small dual encoder that puts pictures and words into one space."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.vision.card import Card, read_card
from sightline.vision.image_input import INPUT_SIZE, to_input
from sightline.vision.protocol import Vectors
from sightline.vision.sessions import InferenceSession, open_session
from sightline.vision.text_input import Vocabulary

PACKAGED_WEIGHTS = Path(__file__).parent / "weights"
#: Pictures run through the network at once: more only costs memory.
_BATCH = 32


class DualEncoder:
    """Pictures and texts as unit vectors of one space; safe to call from several threads."""

    preferred_size = INPUT_SIZE

    def __init__(self, card: Card, images: InferenceSession, texts: InferenceSession) -> None:
        self.card = card
        self._images, self._texts = images, texts
        self._vocabulary = Vocabulary(card.vocabulary)

    @classmethod
    def load(cls, directory: Path | None = None, *, threads: int = 1) -> "DualEncoder":
        """Load weights from a folder, by default those that come with the package.

        ``threads`` is the number of threads that one call uses. Raises ``ConfigurationError`` when
        the folder lacks a file or holds a broken one.
        """
        folder = directory or PACKAGED_WEIGHTS
        return cls(
            read_card(folder),
            open_session(folder / "image.onnx", threads),
            open_session(folder / "text.onnx", 1),
        )

    @property
    def name(self) -> str:
        """The model's name and version, as results keep it."""
        return f"{self.card.name}-{self.card.version}"

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self.card.dimension

    def preprocess(self, image: Image.Image) -> NDArray[np.uint8]:
        """One picture as bytes of shape (120, 160, 3); may run in any thread."""
        return to_input(image)

    def encode_images(self, images: Sequence[NDArray[Any] | Image.Image]) -> Vectors:
        """Unit vectors of pictures (Pillow images, or RGB bytes of any size): (n, dimension)."""
        ready = [self._ready(image) for image in images]
        vectors = np.empty((len(ready), self.dimension), np.float32)
        for start in range(0, len(ready), _BATCH):
            batch = np.stack(ready[start : start + _BATCH])
            vectors[start : start + _BATCH] = self._images.run(None, {"pixels": batch})[0]
        return vectors

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts, (n, dimension); words it does not know are left out."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        words = self._vocabulary.encode(texts)
        vectors: Vectors = self._texts.run(None, {"words": words})[0]
        return vectors

    def unknown_words(self, text: str) -> list[str]:
        """Words of a text that the model never saw, in order, so that a search can say so."""
        return self._vocabulary.unknown(text)

    def says_nothing(self, text: str) -> bool:
        """Whether no word of a text says anything about images to the model."""
        return self._vocabulary.says_nothing(text)

    def _ready(self, image: NDArray[Any] | Image.Image) -> NDArray[np.uint8]:
        if isinstance(image, Image.Image):
            return self.preprocess(image)
        if image.shape == (INPUT_SIZE[1], INPUT_SIZE[0], 3) and image.dtype == np.uint8:
            return image
        return self.preprocess(Image.fromarray(image.astype(np.uint8)))
