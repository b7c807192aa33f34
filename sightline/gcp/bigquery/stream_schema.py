"""Compares a table, as the Storage Write API describes it, with its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.schema import Ledger

_TYPES = {"FLOAT64": "DOUBLE", "FLOAT32": "DOUBLE"}
_UNSPECIFIED = "TYPE_UNSPECIFIED"
"""The emulator's type for a FLOAT64."""


def differences(ledger: Ledger, fields: Sequence[Any]) -> list[str]:
    """Return the differences that prevent appends of the ledger's rows, one sentence a column.

    ``fields`` are ``TableFieldSchema`` messages; without any, nothing can be compared. Unknown
    columns are allowed unless they are required.
    """
    if not fields:
        return []
    remaining = {field.name: field for field in fields}
    wrong = []
    for column in ledger.columns:
        name = f"{ledger.name}.{column.name}"
        field = remaining.pop(column.name, None)
        wanted = _TYPES.get(column.type, column.type)
        if field is None:
            wrong.append(f"{name} is missing")
        elif field.type_.name not in {wanted, _UNSPECIFIED}:
            wrong.append(f"{name} is {field.type_.name}, not {wanted}")
        elif (field.mode.name == "REPEATED") != column.repeated:
            wrong.append(f"{name} is {'no array' if column.repeated else 'an array'}")
        elif field.mode.name == "REQUIRED" and not column.required:
            wrong.append(f"{name} may not be null")
    wrong += [
        f"{ledger.name}.{name} is required, and is unknown to this version"
        for name, field in remaining.items()
        if field.mode.name == "REQUIRED"
    ]
    return wrong
