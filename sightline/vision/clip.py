"""Real CLIP weights exported to ONNX, from a folder or from the Hugging Face hub.

Read from the layout of ``Xenova/clip-vit-base-patch32``: ``onnx/vision_model.onnx``,
``onnx/text_model.onnx``, ``tokenizer.json`` and ``preprocessor_config.json``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.errors import ConfigurationError
from sightline.extras import install_command
from sightline.vision.protocol import Vectors
from sightline.vision.sessions import InferenceSession, open_session

VISION, TEXT = "onnx/vision_model.onnx", "onnx/text_model.onnx"
TOKENIZER, PREPROCESSOR = "tokenizer.json", "preprocessor_config.json"
_FILES = (VISION, TEXT, TOKENIZER, PREPROCESSOR)
_MAX_TOKENS = 77
_END_OF_TEXT = "<|endoftext|>"
_BATCH = 16


@dataclass(frozen=True, slots=True)
class ImageRecipe:
    """How a picture becomes numbers: shortest edge and crop in pixels, mean and deviation."""

    shortest_edge: int
    crop: tuple[int, int]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    scale: float = 1 / 255

    @classmethod
    def parse(cls, settings: Mapping[str, Any]) -> "ImageRecipe":
        """Read a ``preprocessor_config.json``, whose sizes are numbers or objects."""
        crop = settings.get("crop_size", settings.get("size", 224))
        width, height = (crop, crop) if isinstance(crop, int) else (crop["width"], crop["height"])
        size = settings.get("size", min(width, height))
        edge = size if isinstance(size, int) else size.get("shortest_edge", min(width, height))
        return cls(
            shortest_edge=edge,
            crop=(width, height),
            mean=tuple(settings["image_mean"]),
            deviation=tuple(settings["image_std"]),
            scale=float(settings.get("rescale_factor", 1 / 255)),
        )

    def apply(self, image: Image.Image) -> NDArray[np.float32]:
        """Resize, crop the middle and normalise: (3, height, width)."""
        picture = image.convert("RGB")
        ratio = max(
            self.shortest_edge / min(picture.size),
            self.crop[0] / picture.width,
            self.crop[1] / picture.height,
        )
        size = (
            max(self.crop[0], round(picture.width * ratio)),
            max(self.crop[1], round(picture.height * ratio)),
        )
        picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
        left, top = (size[0] - self.crop[0]) // 2, (size[1] - self.crop[1]) // 2
        picture = picture.crop((left, top, left + self.crop[0], top + self.crop[1]))
        pixels = np.asarray(picture, np.float32) * np.float32(self.scale)
        normal = (pixels - np.array(self.mean)) / np.array(self.deviation)
        return np.ascontiguousarray(normal.transpose(2, 0, 1), np.float32)


class ClipEncoder:
    """CLIP's two towers as one encoder; safe to call from several threads."""

    def __init__(
        self,
        name: str,
        images: InferenceSession,
        texts: InferenceSession,
        tokenizer: Any,
        recipe: ImageRecipe,
    ) -> None:
        self.name = name
        self._images, self._texts = images, texts
        self._tokenizer, self._recipe = tokenizer, recipe
        self._text_inputs = {entry.name for entry in texts.get_inputs()}
        self.dimension = int(self.encode_texts(["street"]).shape[1])

    @classmethod
    def load(cls, source: str | Path, *, threads: int = 1, revision: str = "main") -> "ClipEncoder":
        """Load from a folder, or from a hub id such as ``Xenova/clip-vit-base-patch32``.

        ``threads`` is the number of threads that one call uses. Raises ``ConfigurationError`` when
        the optional packages are absent, a file is missing, or a file cannot be understood.
        """
        tokenizers = _optional("tokenizers")
        folder = Path(source)
        if folder.is_dir():
            files = {name: folder / name for name in _FILES}
        else:
            files = _download(str(source), revision)
        missing = [name for name, file in files.items() if not file.is_file()]
        if missing:
            raise ConfigurationError(
                f"{source} lacks {', '.join(missing)}: export CLIP to ONNX with these four files"
            )
        tokenizer = _tokenizer(tokenizers, files[TOKENIZER])
        try:
            recipe = ImageRecipe.parse(json.loads(files[PREPROCESSOR].read_text("utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"cannot read {files[PREPROCESSOR]} ({error!r}): fetch the file again"
            ) from error
        return cls(
            folder.name if folder.is_dir() else str(source),
            open_session(files[VISION], threads),
            open_session(files[TEXT], threads),
            tokenizer,
            recipe,
        )

    @property
    def preferred_size(self) -> tuple[int, int]:
        """Width and height that the model reads."""
        return self._recipe.crop

    def preprocess(self, image: Image.Image) -> NDArray[np.float32]:
        """One picture as normalised numbers, (3, height, width); may run in any thread."""
        return self._recipe.apply(image)

    def encode_images(self, images: Sequence[NDArray[Any] | Image.Image]) -> Vectors:
        """Unit vectors of Pillow images, RGB bytes, or results of ``preprocess``."""
        if not images:
            return np.empty((0, self.dimension), np.float32)
        ready = [self._ready(image) for image in images]
        parts = [
            _vectors(self._images, {"pixel_values": np.stack(ready[at : at + _BATCH])}, "image")
            for at in range(0, len(ready), _BATCH)
        ]
        return np.concatenate(parts)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts, (n, dimension); what follows the 77th token is cut off."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        rows = self._tokenizer.encode_batch(list(texts))
        feeds = {"input_ids": np.array([row.ids for row in rows], np.int64)}
        if "attention_mask" in self._text_inputs:
            feeds["attention_mask"] = np.array([row.attention_mask for row in rows], np.int64)
        return _vectors(self._texts, feeds, "text")

    def unknown_words(self, text: str) -> list[str]:
        """Always empty: CLIP spells out any word from pieces."""
        del text
        return []

    def says_nothing(self, text: str) -> bool:
        """Whether there is no word at all."""
        return not text.strip()

    def _ready(self, image: NDArray[Any] | Image.Image) -> NDArray[np.float32]:
        if isinstance(image, Image.Image):
            return self.preprocess(image)
        if image.dtype == np.uint8:
            return self.preprocess(Image.fromarray(image))
        return image.astype(np.float32, copy=False)


def _vectors(session: InferenceSession, feeds: Mapping[str, NDArray[Any]], kind: str) -> Vectors:
    """Run a tower and scale its embeddings to unit length."""
    names = [entry.name for entry in session.get_outputs()]
    output = f"{kind}_embeds" if f"{kind}_embeds" in names else names[0]
    vectors = np.asarray(session.run([output], feeds)[0], np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    return unit


def _tokenizer(tokenizers: ModuleType, file: Path) -> Any:
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:
        raise ConfigurationError(f"cannot read {file} ({error}): fetch the file again") from error
    padding = tokenizer.token_to_id(_END_OF_TEXT) or 0
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.enable_padding(pad_id=padding, pad_token=_END_OF_TEXT)
    return tokenizer


def _download(hub_id: str, revision: str) -> dict[str, Path]:
    hub = _optional("huggingface_hub")
    try:
        return {name: Path(hub.hf_hub_download(hub_id, name, revision=revision)) for name in _FILES}
    except Exception as error:
        raise ConfigurationError(
            f"cannot fetch {hub_id} from the Hugging Face hub ({error}): name a folder with "
            f"{', '.join(_FILES)}"
        ) from error


def _optional(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"CLIP needs the package {module}; run `{install_command('clip')}`"
        ) from error
