"""Reads settings from TOML, from variables or from a stack's configuration.

It converts a value to its field's type if the source uses another one; Pydantic then validates it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from sightline.redaction import shown_endpoint, without_secrets
from sightline.settings.fields import (
    RULE,
    Checked,
    accepted_by,
    fields_of,
    may_be_unset,
    required_kind,
)

Section = TypeVar("Section")
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class SourceValue:
    """A value from a source.

    ``is_text``: the source contains only texts, so a number is parsed from its digits. ``base`` is
    the folder of relative paths.
    """

    value: object
    origin: str = ""
    is_text: bool = False
    base: Path = Path()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A field whose value is invalid or missing; ``shown`` is the value without secrets."""

    field: str
    shown: str
    accepted: str
    is_missing: bool = False


class RefusedError(ValueError):
    """Refused values, in the order of their fields."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__("; ".join(f"{refusal.field}: {refusal.accepted}" for refusal in refusals))
        self.refusals = refusals


def read(
    section: type[Section],
    values: Mapping[str, SourceValue],
    parts: Mapping[str, object] | None = None,
) -> Section:
    """Return an object of a class of settings; ``parts`` are sections that were already read.

    Raises:
        RefusedError: with every field whose value is invalid or missing.
    """
    known = fields_of(section)
    shaped = {name: _shaped(known[name], given) for name, given in values.items()}
    try:
        return section(**shaped, **(parts or {}))
    except ValidationError as error:
        given = {name: _as_shown(values[name].value, value) for name, value in shaped.items()}
        raise RefusedError(_refusals(error, known, given)) from None


def _as_shown(given: object, shaped: object) -> object:
    """Return a number parsed from a text; any other value unchanged."""
    return shaped if isinstance(shaped, int | float) else given


def _refusals(
    error: ValidationError, known: Mapping[str, FieldInfo], given: Mapping[str, object]
) -> tuple[Refusal, ...]:
    refusals: dict[str, Refusal] = {}
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0])
        if name in refusals:
            continue  # another item of the same list
        is_of_rule = detail["type"] == RULE and len(detail["loc"]) == 1
        value = given.get(name, detail["input"])
        refusals[name] = Refusal(
            name,
            shown(value, is_endpoint=_is_checked(known[name])),
            detail["msg"] if is_of_rule else accepted_by(known[name]),
            is_missing=detail["type"] == "missing",
        )
    return tuple(refusals.values())


def _is_checked(info: FieldInfo) -> bool:
    return any(isinstance(rule, Checked) for rule in info.metadata)


def shown(value: object, *, is_endpoint: bool = False) -> str:
    """Return a value for a message; a URL or a host without its possible secrets."""
    return without_secrets(repr(_without_users(value, is_endpoint=is_endpoint)))


def _without_users(value: object, *, is_endpoint: bool) -> object:
    if isinstance(value, str):
        return shown_endpoint(value) if is_endpoint or "://" in value else value
    if isinstance(value, Mapping):
        return {
            key: _without_users(nested, is_endpoint=is_endpoint or "endpoint" in str(key))
            for key, nested in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_users(item, is_endpoint=is_endpoint) for item in value]
    return value


def _shaped(info: FieldInfo, given: SourceValue) -> object:
    """Return the value converted to its field's type; unchanged if that is impossible."""
    if given.value == "" and may_be_unset(info):
        return None
    kind = required_kind(info.annotation)
    if get_origin(kind) is tuple:
        return _list(given, get_args(kind)[0])
    if isinstance(given.value, Mapping):
        return dict(given.value)
    return _plain(given.value, kind, given)


def _list(given: SourceValue, kind: Any) -> object:
    """Return a list of paths or texts; in the environment it is JSON, or a single text."""
    items = _items(given.value) if isinstance(given.value, str) else given.value
    if not isinstance(items, list | tuple):
        return items
    return tuple(_plain(item, kind, given) for item in items)


def _items(text: str) -> object:
    with contextlib.suppress(ValueError, RecursionError):
        items = json.loads(text)
        if isinstance(items, list):
            return items
    return [text] if text else []


def _plain(value: object, kind: Any, given: SourceValue) -> object:
    if kind is Path:
        return _path(value, given.base)
    if not (given.is_text and isinstance(value, str)):
        return value
    if kind is bool:
        return _FLAGS.get(value.lower(), value)
    if kind in {int, float}:
        with contextlib.suppress(ValueError):  # no digits: it is refused as a text
            return kind(value)
    return value


def _path(value: object, base: Path) -> object:
    if not isinstance(value, str | Path) or value == "" or "\0" in str(value):
        return value
    with contextlib.suppress(RuntimeError):  # the home folder of an unknown user
        return base / Path(value).expanduser()
    return value
