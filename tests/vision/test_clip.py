"""Loading real CLIP weights, with a tiny CLIP made here."""

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from sightline.errors import ConfigurationError
from sightline.extras import install_command
from sightline.vision import VisionEncoder
from sightline.vision.clip import ClipEncoder, ImageRecipe
from tests.vision.tiny_clip import DIMENSION, write_tiny_clip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_clip(tmp_path / "tiny-clip")
    return tmp_path / "tiny-clip"


def test_clip_is_a_vision_encoder(folder: Path) -> None:
    encoder = ClipEncoder.load(folder)
    assert isinstance(encoder, VisionEncoder)
    assert encoder.name == "tiny-clip"
    assert encoder.dimension == DIMENSION
    assert encoder.preferred_size == (32, 32)
    assert encoder.unknown_words("giraffe") == []


def test_pictures_and_texts_become_unit_vectors(folder: Path) -> None:
    encoder = ClipEncoder.load(folder)
    picture = Image.new("RGB", (80, 40), (200, 30, 30))
    pictures = encoder.encode_images([picture, np.asarray(picture), encoder.preprocess(picture)])
    texts = encoder.encode_texts(["a stop sign", "pole"])
    assert np.allclose(pictures, pictures[:1], atol=1e-5)
    for vectors in (pictures, texts):
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("mask", [False, True])
def test_a_text_means_the_same_beside_a_longer_one(tmp_path: Path, mask: bool) -> None:
    write_tiny_clip(tmp_path, mask=mask)
    encoder = ClipEncoder.load(tmp_path)
    alone = encoder.encode_texts(["pole"])
    beside = encoder.encode_texts(["pole", "a stop sign a pole"])
    assert np.allclose(alone[0], beside[0], atol=1e-6)


def test_a_text_of_any_length_is_cut_to_what_clip_reads(folder: Path) -> None:
    assert ClipEncoder.load(folder).encode_texts(["stop " * 400]).shape == (1, DIMENSION)


def test_no_pictures_and_no_texts_give_no_vectors(folder: Path) -> None:
    encoder = ClipEncoder.load(folder)
    assert encoder.encode_images([]).shape == encoder.encode_texts([]).shape == (0, DIMENSION)


@pytest.mark.parametrize("size", [(640, 480), (30, 90), (32, 32), (1, 1)])
def test_a_picture_of_any_size_is_cropped_to_the_middle(size: tuple[int, int]) -> None:
    recipe = ImageRecipe(32, (32, 32), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    pixels = recipe.apply(Image.new("RGB", size, (255, 0, 255)))
    assert pixels.shape == (3, 32, 32)
    assert np.allclose(pixels[:, 16, 16], [1, -1, 1])


def test_sizes_may_be_plain_numbers() -> None:
    settings = {"size": 20, "crop_size": 16, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}
    assert ImageRecipe.parse(settings).crop == (16, 16)
    assert ImageRecipe.parse(settings).shortest_edge == 20


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ConfigurationError, match=r"lacks tokenizer\.json"):
        ClipEncoder.load(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "preprocessor_config.json"])
def test_a_broken_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=name):
        ClipEncoder.load(folder)


def test_an_absent_package_names_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ConfigurationError, match=re.escape(install_command("clip"))):
        ClipEncoder.load(folder)


def test_a_hub_id_is_fetched_file_by_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[tuple[str, str, str]] = []

    def hf_hub_download(hub_id: str, name: str, *, revision: str) -> str:
        requests.append((hub_id, name, revision))
        return str(folder / name)

    hub = ModuleType("huggingface_hub")
    monkeypatch.setattr(hub, "hf_hub_download", hf_hub_download, raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    encoder = ClipEncoder.load("acme/tiny-clip", revision="v2")
    assert encoder.name == "acme/tiny-clip"
    assert {(hub_id, revision) for hub_id, _, revision in requests} == {("acme/tiny-clip", "v2")}
    assert len(requests) == 4


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def hf_hub_download(hub_id: str, name: str, *, revision: str) -> str:
        raise OSError("no network")

    hub = ModuleType("huggingface_hub")
    monkeypatch.setattr(hub, "hf_hub_download", hf_hub_download, raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    with pytest.raises(ConfigurationError, match="name a folder with"):
        ClipEncoder.load("acme/tiny-clip")
