"""The types of a task's fields: a row each, with what JSON, Python, SQL and people call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FieldType = Literal["string", "enum", "boolean", "integer", "number", "list"]


@dataclass(frozen=True, slots=True)
class FieldForm:
    """What a value of one type is.

    ``json_schema`` and ``python`` leave out what a field itself names: its values and its bounds.
    ``column`` is the type of its column in BigQuery; ``words`` say what a value must be.
    """

    words: str
    json_schema: Mapping[str, Any]
    python: Any
    column: str = "STRING"
    is_discrete: bool = field(default=False, kw_only=True)
    """Whether two values are either equal or different; numbers and texts are more or less so."""


FIELD_FORMS: Mapping[FieldType, FieldForm] = {
    "string": FieldForm("a string", {"type": "string"}, str),
    "enum": FieldForm("one", {"type": "string"}, str, is_discrete=True),
    "boolean": FieldForm("true or false", {"type": "boolean"}, bool, "BOOL", is_discrete=True),
    "integer": FieldForm("a whole number", {"type": "integer"}, int, "INT64", is_discrete=True),
    "number": FieldForm("a number", {"type": "number"}, float, "FLOAT64"),
    "list": FieldForm("a list", {"type": "array"}, list),
}
DISCRETE = tuple(name for name, form in FIELD_FORMS.items() if form.is_discrete)
"""Types of which one value equals another or not."""

COMPARABLE = (*DISCRETE, "list")
"""Types that can be right or wrong: lists too, member by member."""
