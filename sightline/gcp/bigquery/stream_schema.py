"""Tells in what a table, as the Storage Write API describes it, differs from its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.schema import Ledger

_TYPES = {"FLOAT64": "DOUBLE", "FLOAT32": "DOUBLE"}
_NOT_SAID = "TYPE_UNSPECIFIED"
"""What an emulator says of a FLOAT64."""


def unlike(ledger: Ledger, fields: Sequence[Any]) -> list[str]:
    """Return what keeps rows of the ledger from being appended, one sentence a column.

    ``fields`` are ``TableFieldSchema`` messages; none at all says nothing. A column that the
    ledger does not know is no hindrance, unless it must be filled.
    """
    if not fields:
        return []
    there = {field.name: field for field in fields}
    wrong = []
    for column in ledger.columns:
        name = f"{ledger.name}.{column.name}"
        field = there.pop(column.name, None)
        expected = _TYPES.get(column.type, column.type)
        if field is None:
            wrong.append(f"{name} is missing")
        elif field.type_.name not in {expected, _NOT_SAID}:
            wrong.append(f"{name} is {field.type_.name}, not {expected}")
        elif (field.mode.name == "REPEATED") != column.repeated:
            wrong.append(f"{name} is {'no array' if column.repeated else 'an array'}")
        elif field.mode.name == "REQUIRED" and not column.required:
            wrong.append(f"{name} may not be null")
    wrong += [
        f"{ledger.name}.{name} must be filled, and is unknown to this version"
        for name, field in there.items()
        if field.mode.name == "REQUIRED"
    ]
    return wrong
