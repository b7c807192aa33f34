"""The types of a task's fields, one row each: their names in JSON, Python, SQL and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FieldType = Literal["string", "enum", "boolean", "integer", "number", "list"]


@dataclass(frozen=True, slots=True)
class FieldForm:
    """The properties of a type.

    ``json_schema`` and ``python`` leave out what a field defines: its values and bounds. ``column``
    is the type of its column in BigQuery; ``words`` describe a value.
    """

    words: str
    json_schema: Mapping[str, Any]
    python: Any
    column: str = "STRING"
    is_discrete: bool = field(default=False, kw_only=True)
    """Whether two values are either equal or different; numbers and texts differ by degrees."""


FIELD_FORMS: Mapping[FieldType, FieldForm] = {
    "string": FieldForm("a string", {"type": "string"}, str),
    "enum": FieldForm("one", {"type": "string"}, str, is_discrete=True),
    "boolean": FieldForm("true or false", {"type": "boolean"}, bool, "BOOL", is_discrete=True),
    "integer": FieldForm("a whole number", {"type": "integer"}, int, "INT64", is_discrete=True),
    "number": FieldForm("a number", {"type": "number"}, float, "FLOAT64"),
    "list": FieldForm("a list", {"type": "array"}, list),
}
DISCRETE = tuple(name for name, form in FIELD_FORMS.items() if form.is_discrete)
"""Types whose values are either equal or different."""

COMPARABLE = (*DISCRETE, "list")
"""Types whose values can be right or wrong, including lists, member by member."""
