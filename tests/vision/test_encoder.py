"""The packaged weights: whole, small, and as good on unseen scenes as their card claims."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from scripts.demo_model.calibrate import sha256_of
from scripts.demo_model.dataset import examples
from scripts.demo_model.evaluate import (
    ANSWER_MARGIN,
    EvaluationSample,
    gather,
    measure_fields,
    measure_retrieval,
    two_attribute_queries,
)
from sightline.errors import ConfigurationError
from sightline.vision import VisionEncoder
from sightline.vision.card import CARD, WEIGHTS
from sightline.vision.encoder import PACKAGED_WEIGHTS, DualEncoder
from sightline.vision.protocol import Vectors
from sightline.vision.scenes import ASSET_TYPES, ATTRIBUTES, ROAD_SIGN, render

#: Neither trained on, nor calibrated with, nor behind the figures in the card.
UNSEEN_SEED = 3_000_000_000


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return DualEncoder.load()


@pytest.fixture(scope="module")
def sample(encoder: DualEncoder) -> EvaluationSample:
    return gather(encoder, examples(1000, seed=UNSEEN_SEED))


def test_the_weights_are_small_and_those_of_the_card(encoder: DualEncoder) -> None:
    files = [PACKAGED_WEIGHTS / name for name in WEIGHTS]
    assert sum(file.stat().st_size for file in files) <= 8_000_000
    assert {file.name: sha256_of(file) for file in files} == dict(encoder.card.sha256)


def test_the_card_says_how_the_weights_were_made(encoder: DualEncoder) -> None:
    card = encoder.card
    assert card.command.startswith("python -m scripts.demo_model.train")
    assert f"--seed {card.seed}" in card.command
    assert card.dimension <= 512
    assert {(entry.asset_type, entry.field) for entry in card.fields} == {
        (kind, field) for kind in ASSET_TYPES for field in ATTRIBUTES[kind]
    }


def test_an_answerable_field_beats_the_majority_class_in_the_card(encoder: DualEncoder) -> None:
    for entry in encoder.card.fields:
        assert entry.answerable == (entry.accuracy - entry.majority >= ANSWER_MARGIN), entry


@pytest.mark.extended
def test_answerable_fields_beat_the_majority_class_on_unseen_scenes(
    encoder: DualEncoder, sample: EvaluationSample
) -> None:
    leads = {
        (row["asset_type"], row["field"]): row["accuracy"] - row["majority"]
        for row in measure_fields(encoder, sample)
    }
    assert leads
    assert {name: lead for name, lead in leads.items() if lead < ANSWER_MARGIN} == {}


@pytest.mark.extended
def test_queries_of_two_attributes_find_scenes_with_both(
    encoder: DualEncoder, sample: EvaluationSample
) -> None:
    measured = measure_retrieval(encoder, sample, two_attribute_queries(UNSEEN_SEED))
    assert measured["scenes"] == 1000
    assert measured["precision_at_5"] >= 0.7, measured["worst"]


def test_embeddings_are_unit_vectors_of_the_dimension_named(encoder: DualEncoder) -> None:
    scene = render(ROAD_SIGN, 1).image
    pictures = encoder.encode_images([scene, np.asarray(scene), np.zeros((9, 7, 3), np.uint8)])
    texts = encoder.encode_texts(["stop sign", "", "xyzzy"])
    for vectors in (pictures, texts):
        assert vectors.shape == (3, encoder.dimension)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_no_pictures_and_no_texts_give_no_vectors(encoder: DualEncoder) -> None:
    assert encoder.encode_images([]).shape == (0, encoder.dimension)
    assert encoder.encode_texts([]).shape == (0, encoder.dimension)


def test_a_picture_has_one_embedding_whatever_batch_it_is_in(encoder: DualEncoder) -> None:
    images = [render(ROAD_SIGN, seed).image for seed in range(40)]
    together = encoder.encode_images(images)
    alone = encoder.encode_images(images[37:38])
    assert np.allclose(together[37], alone[0], atol=1e-5)


def test_the_encoder_may_be_called_from_many_threads(encoder: DualEncoder) -> None:
    images = [render(ROAD_SIGN, seed).image for seed in range(12)]
    expected = encoder.encode_images(images)

    def embed(_: int) -> Vectors:
        return encoder.encode_images(images)

    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(embed, range(8)):
            assert np.allclose(vectors, expected, atol=1e-5)


def test_other_words_around_a_query_do_not_change_it(encoder: DualEncoder) -> None:
    plain, padded = encoder.encode_texts(["stop sign graffiti", "stop sign giraffe graffiti"])
    assert np.allclose(plain, padded)
    assert encoder.unknown_words("stop sign giraffe graffiti") == ["giraffe"]


def test_the_demo_model_is_a_vision_encoder(encoder: DualEncoder) -> None:
    assert isinstance(encoder, VisionEncoder)


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name a folder that holds"):
        DualEncoder.load(tmp_path)


def test_a_card_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text('{"name": 1}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="export the model again"):
        DualEncoder.load(tmp_path)


def test_broken_weights_are_refused(tmp_path: Path) -> None:
    shutil.copy(PACKAGED_WEIGHTS / CARD, tmp_path)
    (tmp_path / "image.onnx").write_bytes(b"not a model")
    with pytest.raises(ConfigurationError, match="cannot load"):
        DualEncoder.load(tmp_path)
