"""A setting is a field with its type, bounds and meaning, which Pydantic checks.

Settings, and the configuration of a stack, are frozen Pydantic dataclasses. Numbers are strict:
none is truncated to an integer, `true` is not 1, and `nan` and `inf` are not numbers.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ConfigDict, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

STRICT = ConfigDict(
    strict=True,
    allow_inf_nan=False,
    validate_default=True,
    hide_input_in_errors=True,  # a value may be an endpoint with a password in it
)
"""The validation settings of every class of settings."""
RULE = "setting_rule"
"""The type of an error whose message says what is accepted."""
_GROUPED = 10_000
_SAID = {bool: "true or false", str: "a text", Path: "a path"}


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule for a text: ``check`` applies it, ``accepted`` describes it."""

    accepted: str
    check: Callable[[str], object]

    @classmethod
    def pattern(cls, pattern: str, accepted: str) -> Checked:
        """Return a check that the whole text matches a regular expression."""
        return cls(accepted, re.compile(pattern, re.ASCII).fullmatch)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Apply the check after Pydantic has verified that it is a text."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, text: str) -> str:
        if not self.check(text):
            raise broken_rule(self.accepted)
        return text


def broken_rule(accepted: str) -> PydanticCustomError:
    """Return the error of a value that one of our rules refuses."""
    return PydanticCustomError(RULE, "{accepted}", {"accepted": accepted})


def fields_of(section: type[Any]) -> Mapping[str, FieldInfo]:
    """Return the fields of a class of settings, by their names."""
    fields: Mapping[str, FieldInfo] = section.__pydantic_fields__
    return fields


def section_of(info: FieldInfo) -> type[Any] | None:
    """Return the class of settings in a field; ``None`` for a plain setting."""
    kind: Any = info.annotation
    return kind if hasattr(kind, "__pydantic_fields__") else None


def required_kind(kind: Any) -> Any:
    """Return a field's type without ``None``, which means not set."""
    if get_origin(kind) not in {Union, types.UnionType}:
        return kind
    return next(member for member in get_args(kind) if member is not type(None))


def may_be_unset(info: FieldInfo) -> bool:
    """Return whether a field may be ``None``, written as an empty text in every source."""
    return type(None) in get_args(info.annotation)


def accepted_by(info: FieldInfo) -> str:
    """Return what a field accepts, for messages and pages."""
    kind = required_kind(info.annotation)
    rule = next((rule for rule in info.metadata if isinstance(rule, Checked)), None)
    if rule is not None:
        return rule.accepted
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    if kind in {int, float}:
        least, most = map(written, bounds_of(info))
        return f"{'a whole number' if kind is int else 'a number'}, {least} to {most}"
    if get_origin(kind) is tuple:
        return 'a list of texts, ["a", "b"] say' + _each(get_args(kind)[0])
    return "a table of texts" if get_origin(kind) is Mapping else _SAID[kind]


def bounds_of(info: FieldInfo) -> tuple[float, float]:
    """Return the minimum and maximum of a number."""
    bounds = {
        name: getattr(rule, name)
        for rule in info.metadata
        for name in ("ge", "le")
        if hasattr(rule, name)
    }
    return bounds["ge"], bounds["le"]


def written(number: float) -> str:
    """Return a number as settings files write it: long ones in groups of three digits."""
    return f"{number:_}" if isinstance(number, int) and number >= _GROUPED else f"{number}"


def _each(kind: Any) -> str:
    rules = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return "".join(f", each {rule.accepted}" for rule in rules if isinstance(rule, Checked))


def all_fields(section: type[Any], at: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting of a class and its sections, by its dotted name."""
    for name, info in fields_of(section).items():
        inner = section_of(info)
        if inner is None:
            yield at + name, info
        else:
            yield from all_fields(inner, f"{at}{name}.")
