"""Captions in many wordings, and which pictures each one is true of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sightline.vision.phrases import MEANINGS, NOTHING, NOUNS, VIEW, Meaning, meanings_of
from sightline.vision.scenes import ASSET_TYPES, ATTRIBUTES, Truth, Value
from sightline.vision.text_input import split_words

#: The asset type of a picture that shows none.
NO_ASSET = ""
_LEADS = (
    "",
    "",
    "",
    "a ",
    "the ",
    "a photo of a ",
    "picture of ",
    "an image showing a ",
    "show ",
    "find ",
    "all ",
    "an ",
    "street with a ",
    "where is a ",
    "there is a ",
)
_JOINTS = (" ", " ", " ", ", ", " and ")


@dataclass(frozen=True, slots=True)
class Claim:
    """That a picture shows ``asset_type`` (any, when None) with ``field`` in ``values``."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Caption:
    """A text, and all that it claims about a picture."""

    text: str
    asset_type: str | None
    claims: tuple[Claim, ...] = ()

    def is_true_of(self, asset_type: str, truth: Truth) -> bool:
        """Whether a picture with this truth is what the caption says."""
        if self.asset_type is not None and self.asset_type != asset_type:
            return False
        return all(truth.get(claim.field) in claim.values for claim in self.claims)


def _article(rng: Generator, text: str) -> str:
    return _LEADS[int(rng.integers(len(_LEADS)))] + text


def _choose(rng: Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _names_its_kind(meanings: Sequence[Meaning]) -> bool:
    """Whether the meanings alone tell which kind of asset is meant ("wooden with transformer")."""
    return any(
        meaning.field in ("material", "has_transformer")
        or (meaning.field == "condition" and meaning.values not in (("clean",), ("intact",)))
        for meaning in meanings
    )


def phrase(asset_type: str, meanings: Sequence[Meaning], rng: Generator) -> str:
    """Say several meanings about one asset in one of many ways, in any order of words."""
    nouns: tuple[str, ...] = NOUNS[asset_type]
    rest: list[Meaning] = []
    for meaning in meanings:
        if meaning.nouns and nouns is NOUNS[asset_type]:
            nouns = meaning.nouns
        else:
            rest.append(meaning)
    noun = _choose(rng, nouns)
    order = rng.permutation(len(rest))
    if rng.random() < 0.25:
        parts = [_choose(rng, rest[i].before + rest[i].after) for i in order]
        if noun not in NOUNS[asset_type] or not _names_its_kind(rest) or rng.random() < 0.5:
            parts.append(noun)
        return " ".join(parts[i] for i in rng.permutation(len(parts)))
    before: list[str] = []
    after: list[str] = []
    for index in order:
        meaning = rest[index]
        word = _choose(rng, meaning.before + meaning.after)
        (before if word in meaning.before else after).append(word)
    tail = "".join(_choose(rng, _JOINTS) + word for word in after)
    return _article(rng, " ".join([*before, noun])) + tail


def random_caption(asset_type: str, truth: Truth, rng: Generator) -> Caption:
    """A caption that is true of a picture: one to all of its attributes, in random wording."""
    if asset_type == NO_ASSET:
        return Caption(_choose(rng, NOTHING), NO_ASSET)
    true_meanings = [m for m in MEANINGS[asset_type] if truth.get(m.field) in m.values]
    count = min(int(rng.choice([0, 1, 2, 2, 2, 3, 3, 4, 5])), len(ATTRIBUTES[asset_type]))
    chosen: dict[str, Meaning] = {}
    for index in rng.permutation(len(true_meanings)):
        if len(chosen) == count:
            break
        chosen.setdefault(true_meanings[index].field, true_meanings[index])
    claims = tuple(Claim(m.field, m.values) for m in chosen.values())
    if chosen and all(m in VIEW for m in chosen.values()) and rng.random() < 0.3:
        words = [_choose(rng, m.before + m.after) for m in chosen.values()]
        return Caption(" ".join(words), None, claims)
    return Caption(phrase(asset_type, tuple(chosen.values()), rng), asset_type, claims)


def value_caption(asset_type: str, field: str, value: Value, rng: Generator) -> Caption:
    """A caption that says one value of one field, and nothing else, in random wording."""
    options = meanings_of(asset_type, field, value)
    meaning = options[int(rng.integers(len(options)))]
    return Caption(phrase(asset_type, (meaning,), rng), asset_type, (Claim(field, meaning.values),))


@cache
def slots() -> Mapping[tuple[str, str, Value], int]:
    """The place of every (asset type, field, value) in a picture's vector of attributes."""
    places: dict[tuple[str, str, Value], int] = {}
    for asset_type in (*ASSET_TYPES, NO_ASSET):
        places[asset_type, "", ""] = len(places)
        for field, values in ATTRIBUTES.get(asset_type, {}).items():
            for value in values:
                places[asset_type, field, value] = len(places)
    return places


def attribute_vector(asset_type: str, truth: Truth) -> NDArray[np.float32]:
    """What is true of a picture, as zeros and ones, shape (slots,)."""
    vector = np.zeros(len(slots()), np.float32)
    vector[slots()[asset_type, "", ""]] = 1
    for field, value in truth.items():
        vector[slots()[asset_type, field, value]] = 1
    return vector


def claim_masks(caption: Caption, limit: int = 8) -> NDArray[np.float32]:
    """A caption's claims as masks over the slots, shape (limit, slots).

    The caption is true of a picture when every mask meets the picture's attribute vector; masks
    that are not needed hold ones only.
    """
    masks = np.ones((limit, len(slots())), np.float32)
    claims = [Claim("", ("",)), *caption.claims]
    for row, claim in enumerate(claims):
        masks[row] = 0
        for (asset_type, field, value), place in slots().items():
            fits = caption.asset_type in (None, asset_type)
            if fits and field == claim.field and value in claim.values:
                masks[row, place] = 1
    return masks


def caption_words() -> list[str]:
    """Every word that a caption can hold, sorted: the vocabulary of a model trained on them."""
    texts = [*_LEADS, *_JOINTS, *NOTHING]
    for asset_type in ASSET_TYPES:
        texts += NOUNS[asset_type]
        for meaning in MEANINGS[asset_type]:
            texts += [*meaning.before, *meaning.after, *meaning.nouns]
    return sorted({word for text in texts for word in split_words(text)})
