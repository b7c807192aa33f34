"""The model card: what a set of weights is, how it was made, and what it was measured to do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.errors import ConfigurationError
from sightline.vision.scenes import Value

CARD = "card.json"
WEIGHTS = ("image.onnx", "text.onnx")


@dataclass(frozen=True, slots=True)
class FieldCard:
    """One field of one asset type: how it is answered, and how well.

    ``threshold`` splits true from false (a difference of cosines, booleans only), ``cut`` is the
    margin below which an answer is withheld. ``accuracy`` counts a withheld answer as wrong;
    ``majority`` is what always giving the commonest value would score; both are shares.
    """

    asset_type: str
    field: str
    values: tuple[Value, ...]
    threshold: float = 0.0
    cut: float = 0.0
    accuracy: float = 0.0
    majority: float = 1.0
    withheld: float = 0.0
    answerable: bool = False

    @property
    def is_boolean(self) -> bool:
        """Whether the values are true and false."""
        return set(self.values) == {True, False}


@dataclass(frozen=True, slots=True)
class Card:
    """The card of one set of weights. ``gate`` is the least likeness to a known asset type, as a
    difference of cosines, below which nothing is answered about a picture."""

    name: str
    version: str
    dimension: int
    seed: int
    command: str
    date: str
    training_minutes: float
    vocabulary: tuple[str, ...]
    sha256: Mapping[str, str]
    gate: float = -2.0
    fields: tuple[FieldCard, ...] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)


def read_card(folder: Path) -> Card:
    """Read ``card.json`` from a folder of weights.

    Raises ``ConfigurationError`` when the folder holds none, or one that cannot be understood.
    """
    file = folder / CARD
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        fields = tuple(
            FieldCard(**{**entry, "values": tuple(entry["values"])})
            for entry in content.pop("fields")
        )
        words = tuple(content.pop("vocabulary"))
        return Card(**content, vocabulary=words, fields=fields)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"no model card at {file}: name a folder that holds {CARD} and {', '.join(WEIGHTS)}"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"cannot read the model card {file} ({error}): export the model again"
        ) from error
