"""Words and captions: what the model reads, and which pictures a caption is true of."""

import numpy as np
import pytest

from scripts.demo_model.captions import (
    attribute_vector,
    caption_words,
    claim_masks,
    random_caption,
)
from sightline.vision.phrases import value_prompts
from sightline.vision.scenes import ASSET_TYPES, ATTRIBUTES
from sightline.vision.scenes.truth import draw_truth
from sightline.vision.text_input import MAX_WORDS, Vocabulary


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(caption_words())


@pytest.mark.parametrize("asset_type", ASSET_TYPES)
def test_a_random_caption_is_true_of_its_own_picture(asset_type: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        truth = draw_truth(asset_type, rng)
        assert random_caption(asset_type, truth, rng).is_true_of(asset_type, truth)


def test_masks_and_captions_agree_on_what_is_true() -> None:
    rng = np.random.default_rng(2)
    for _ in range(150):
        captioned, pictured = (ASSET_TYPES[int(k)] for k in rng.integers(3, size=2))
        caption = random_caption(captioned, draw_truth(captioned, rng), rng)
        truth = draw_truth(pictured, rng)
        met = claim_masks(caption) @ attribute_vector(pictured, truth) > 0
        assert bool(met.all()) == caption.is_true_of(pictured, truth)


@pytest.mark.parametrize("asset_type", ASSET_TYPES)
def test_every_value_of_every_field_can_be_said(asset_type: str) -> None:
    for field, values in ATTRIBUTES[asset_type].items():
        for value in values:
            assert value_prompts(asset_type, field, value)


def test_unknown_words_are_named_once_and_in_order(vocabulary: Vocabulary) -> None:
    assert vocabulary.unknown("Purple stop-sign by a purple giraffe") == ["purple", "giraffe"]


def test_case_punctuation_and_plurals_do_not_matter(vocabulary: Vocabulary) -> None:
    plain = vocabulary.encode(["stop sign with graffiti"])
    assert (vocabulary.encode(["STOP signs, with graffiti!"]) == plain).all()


@pytest.mark.parametrize("text", ["", "   ", "xyzzy", "ünïcödé", "\x00"])
def test_a_text_without_a_known_word_is_one_unknown_word(vocabulary: Vocabulary, text: str) -> None:
    assert vocabulary.encode([text]).tolist() == [[1]]


def test_a_long_text_is_cut(vocabulary: Vocabulary) -> None:
    assert vocabulary.encode(["pole " * 500]).shape == (1, MAX_WORDS)
