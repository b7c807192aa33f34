"""Answers to a task's fields by comparing pictures with prompts: known, or openly unknown."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.vision.card import Card, FieldCard
from sightline.vision.phrases import NOTHING, NOUNS, value_prompts
from sightline.vision.protocol import Vectors, VisionEncoder
from sightline.vision.scenes import ASSET_TYPES, Value

UNKNOWN = "unknown"
Answer = dict[str, str | bool | None]


class AnswerField(Protocol):
    """A field of a task's answer, as far as answering needs it."""

    @property
    def name(self) -> str:
        """The field's name."""

    @property
    def type(self) -> str:
        """One of enum, boolean, string, integer, number, list."""

    @property
    def values(self) -> tuple[str, ...]:
        """The values of an enum, "unknown" among them; empty for other types."""

    @property
    def description(self) -> str:
        """What the field means; not read here."""


class CardedEncoder(VisionEncoder, Protocol):
    """An encoder whose card says what it was measured to answer."""

    @property
    def card(self) -> Card:
        """The model card."""


class ZeroShot:
    """Answers enum and boolean fields that the encoder's card lists, and no others.

    A picture first has to look like a known kind of asset (the card's gate), then a field is
    answered as the card measured it for that kind. Everything else is "unknown" for an enum and
    None for any other type, and so is an answer whose margin is below the field's cut.
    """

    def __init__(self, encoder: CardedEncoder) -> None:
        self._card = encoder.card
        self._kinds = kind_vectors(encoder)
        self._fields = [entry for entry in self._card.fields if entry.answerable]
        self._prompts = {
            (entry.asset_type, entry.field): prompt_vectors(encoder, entry)
            for entry in self._fields
        }

    def answer(
        self,
        fields: Sequence[AnswerField],
        embeddings: Vectors,
        *,
        asset_types: Sequence[str] = (),
    ) -> list[Answer]:
        """Answer the fields for each embedding (n, dimension), in order.

        ``asset_types`` narrows what the pictures may show, as a task does; empty means any.
        """
        kinds = self.asset_types_of(embeddings, among=asset_types)
        answers: list[Answer] = [{field.name: _withheld(field) for field in fields} for _ in kinds]
        for field in fields:
            for entry in self._fields:
                if not _answers(entry, field):
                    continue
                rows = np.array([k for k, kind in enumerate(kinds) if kind == entry.asset_type])
                if not len(rows):
                    continue
                vectors = self._prompts[entry.asset_type, entry.field]
                values = decide(entry, embeddings[rows] @ vectors.T)
                for row, value in zip(rows.tolist(), values, strict=True):
                    if isinstance(value, bool) or value in field.values:
                        answers[row][field.name] = value
        return answers

    def asset_types_asked(self, fields: Sequence[AnswerField]) -> Sequence[str]:
        """The asset types with the most answerable fields among these; none where none has any.

        So a question that does not say what it is about is narrowed as its task would narrow it.
        """
        counts = {
            kind: sum(
                entry.asset_type == kind and _answers(entry, field)
                for entry in self._fields
                for field in fields
            )
            for kind in ASSET_TYPES
        }
        most = max(counts.values())
        return [kind for kind, count in counts.items() if most and count == most]

    def asset_types_of(self, embeddings: Vectors, *, among: Sequence[str] = ()) -> list[str | None]:
        """The kind of asset each embedding looks like; None where it looks like none (the gate)."""
        margins = kind_margins(self._kinds, embeddings)
        best = margins.argmax(axis=1)
        kinds: list[str | None] = []
        for row, place in enumerate(best.tolist()):
            kind = ASSET_TYPES[place]
            open_gate = bool(margins[row, place] >= self._card.gate)
            kinds.append(kind if open_gate and (not among or kind in among) else None)
        return kinds


def _withheld(field: AnswerField) -> str | None:
    return UNKNOWN if field.type == "enum" else None


def _answers(entry: FieldCard, field: AnswerField) -> bool:
    if entry.field != field.name:
        return False
    if entry.is_boolean:
        return field.type == "boolean"
    known = set(field.values) - {UNKNOWN}
    return field.type == "enum" and bool(known) and known <= set(entry.values)


def _ensemble(encoder: VisionEncoder, prompts: Sequence[str]) -> Vectors:
    total = encoder.encode_texts(prompts).sum(axis=0)
    vector: Vectors = total / np.linalg.norm(total)
    return vector


def prompt_vectors(encoder: VisionEncoder, entry: FieldCard) -> Vectors:
    """One vector a value of a field, averaged over all its wordings: (values, dimension)."""
    return np.stack(
        [
            _ensemble(encoder, value_prompts(entry.asset_type, entry.field, value))
            for value in entry.values
        ]
    )


def kind_vectors(encoder: VisionEncoder) -> Vectors:
    """One vector an asset type, and a last one for a picture of nothing known."""
    prompts = [*(NOUNS[kind] for kind in ASSET_TYPES), NOTHING]
    return np.stack([_ensemble(encoder, wordings) for wordings in prompts])


def kind_margins(kinds: Vectors, embeddings: Vectors) -> NDArray[np.float32]:
    """How much more each picture looks like each asset type than like nothing known."""
    likeness = embeddings @ kinds.T
    margins: NDArray[np.float32] = likeness[:, :-1] - likeness[:, -1:]
    return margins


def decide(entry: FieldCard, likeness: NDArray[np.float32]) -> list[Value]:
    """The value of a field for each row of cosines (n, values); "unknown" below the cut."""
    if entry.is_boolean:
        truth = entry.values.index(True)
        lead = likeness[:, truth] - likeness[:, 1 - truth] - entry.threshold
        return [bool(value > 0) if abs(value) >= entry.cut else UNKNOWN for value in lead.tolist()]
    order = np.sort(likeness, axis=1)
    margin = order[:, -1] - order[:, -2]
    return [
        entry.values[place] if lead >= entry.cut else UNKNOWN
        for place, lead in zip(likeness.argmax(axis=1).tolist(), margin.tolist(), strict=True)
    ]
