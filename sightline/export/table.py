"""Answers as rows of one table: identity, position and time, one column per field, provenance."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.ports import AnswerRow
from sightline.tasks import (
    VIEW_IDENTITY,
    VIEW_PROVENANCE,
    FieldSpec,
    TaskSpec,
    field_columns,
)

COLUMN_TYPES: dict[str, str] = {
    "latitude": "number",
    "longitude": "number",
    "capture_time": "time",
    "written_at": "time",
}
"""Types of the columns that are neither fields nor texts."""

_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column: its name, its type (a field's, or ``time``), and its description."""

    name: str
    type: str
    description: str = ""


class AnswerTable:
    """The table of a task's answers, in the columns of its typed view.

    A field with the name of another column, or one in ``taken``, becomes ``<field>_answer``.
    """

    def __init__(self, task: TaskSpec, taken: Collection[str] = ()) -> None:
        self.task = task
        self._fields = tuple(
            (field, _free(column, taken, task)) for field, column in field_columns(task)
        )
        self.columns = (
            *(ExportColumn(name, COLUMN_TYPES.get(name, "string")) for name in VIEW_IDENTITY),
            *(ExportColumn(name, field.type, field.description) for field, name in self._fields),
            *(ExportColumn(name, COLUMN_TYPES.get(name, "string")) for name in VIEW_PROVENANCE),
        )

    def row(self, answer_row: AnswerRow) -> dict[str, Any]:
        """Return a row by column; NaN, and a value of another type, becomes null."""
        row: dict[str, Any] = {name: getattr(answer_row, name) for name in VIEW_IDENTITY}
        row["latitude"], row["longitude"] = (
            _finite(answer_row.latitude),
            _finite(answer_row.longitude),
        )
        for field, column in self._fields:
            row[column] = field_value(field, answer_row.answer.get(field.name))
        return row | {name: getattr(answer_row, name) for name in VIEW_PROVENANCE}


def _free(column: str, taken: Collection[str], task: TaskSpec) -> str:
    others = {name for _, name in field_columns(task)} - {column}
    while column in taken or column in others:
        column += "_answer"
    return column


def position(answer_row: AnswerRow) -> tuple[float, float] | None:
    """Return longitude and latitude; ``None`` if either is unknown, or not a place on Earth."""
    latitude, longitude = _finite(answer_row.latitude), _finite(answer_row.longitude)
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return longitude, latitude


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def field_value(field: FieldSpec, value: object) -> Any:
    """Return a field's value in its type, as BigQuery's typed view does; or ``None``."""
    if field.type in {"integer", "number"}:
        return _number(value, whole=field.type == "integer")
    match field.type, value:
        case "boolean", bool():
            return value
        case "list", list():
            return [text for item in value if (text := _text(item)) is not None]
        case "boolean" | "list", _:
            return None
        case _:
            return _text(value)


def _number(value: object, *, whole: bool) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if not whole:
        return float(value)
    return int(value) if int(value) == value and int(value) in _INT64 else None


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def rows_of(table: AnswerTable, page: Sequence[AnswerRow]) -> list[dict[str, Any]]:
    """Return a page as rows by column."""
    return [table.row(answer_row) for answer_row in page]
