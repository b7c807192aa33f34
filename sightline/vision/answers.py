"""Whole answers to a task: what the model says, and "not known" in each field's own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sightline.vision.zero_shot import UNKNOWN, AnswerField


def completed(
    fields: Sequence[AnswerField], answered: Mapping[str, str | bool | None]
) -> dict[str, object]:
    """Return an answer that has every field, in the fields' order."""
    return {
        field.name: not_known(field) if answered.get(field.name) is None else answered[field.name]
        for field in fields
    }


def not_known(field: AnswerField) -> str | list[str] | None:
    """Return the value of a field about which nothing is known, as an answer must give it."""
    if field.type == "enum":
        return UNKNOWN
    return [] if field.type == "list" else None
