"""Answers and their values as people read them."""

from __future__ import annotations

from collections.abc import Mapping

from sightline.tasks.spec import UNKNOWN


def answer_text(answer: Mapping[str, object]) -> str:
    """Return an answer in one short line; what is not known, and what is false, is left out."""
    return ", ".join(
        name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value}"
        for name, value in answer.items()
        if not (value is None or value is False or value in (UNKNOWN, "", []))
    )


def value_text(value: object) -> str:
    """Return a value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
