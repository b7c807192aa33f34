"""Reads JSON objects like protocol buffers: names in snake or camel case, no unknown names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sightline.sim.vertex.errors import InvalidArgumentError


def camel(name: str) -> str:
    """Return a field's JSON name: ``file_uri`` and ``fileUri`` are both accepted."""
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)


def fields(value: object, path: str, known: frozenset[str]) -> dict[str, Any]:
    """Return an object's fields under their JSON names.

    Raises:
        InvalidArgumentError: the value is not an object, or has an unknown field.
    """
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"Invalid value at '{path}' (an object is expected).", path)
    renamed: dict[str, Any] = {}
    for key, inner in value.items():
        name = camel(str(key))
        if name not in known:
            at = f" at '{path}'" if path else ""
            raise InvalidArgumentError(
                f'Invalid JSON payload received. Unknown name "{key}"{at}: Cannot find field.', path
            )
        renamed[name] = inner
    return renamed


def texts(value: object, path: str) -> list[str]:
    """Return a list of texts.

    Raises:
        InvalidArgumentError: the value is not a list of texts.
    """
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InvalidArgumentError(f"Invalid value at '{path}' (texts are expected).", path)
    return value


def number(
    value: object, path: str, *, least: float, most: float, whole: bool = False
) -> float | None:
    """Return a number within limits, or ``None`` if the value is missing.

    Raises:
        InvalidArgumentError: the value is not such a number.
    """
    if value is None:
        return None
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or (whole and value != int(value)):  # type: ignore[call-overload]  # is numeric
        raise InvalidArgumentError(f"Invalid value at '{path}' (a number is expected).", path)
    parsed = float(value)  # type: ignore[arg-type]  # the same
    if not least <= parsed <= most:
        raise InvalidArgumentError(
            f"Unable to submit request because {path} is {value}; it must be from {least:g} to"
            f" {most:g}.",
            path,
        )
    return parsed
