"""Which column of a table is which: three generations of names, nested or flat, and a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline.errors import ConfigurationError
from sightline.records import BBOX, POSE

PLAIN = (
    "observation_id",
    "asset_id",
    "snapshot_id",
    "asset_type",
    "gcs_uri",
    "capture_time",
    "detection_time",
    "map_url",
)
PARTS: Mapping[str, tuple[str, ...]] = {
    "location": ("latitude", "longitude"),
    "bbox": BBOX,
    "camera_pose": POSE,
}
"""The nested columns; flat, a part is called ``bbox.x_min`` or ``bbox_x_min``."""

_NAMES = (*PLAIN, *PARTS, "latitude", "longitude")


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """Where a value is: a column, or a field inside of a nested one."""

    column: str
    steps: tuple[str, ...] = ()

    def take(self, columns: Mapping[str, Any]) -> Any:
        """Return the array of the values."""
        values = columns[self.column]
        for step in self.steps:
            index = values.type.get_field_index(step)
            values = values.flatten()[index]  # a field of a null struct is null
        return values


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Where a table keeps what: plain columns, and nested ones whole or in parts."""

    plain: Mapping[str, ColumnPath]
    whole: Mapping[str, ColumnPath]
    parts: Mapping[str, Mapping[str, ColumnPath]]

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the file that are needed."""
        places = [*self.plain.values(), *self.whole.values()]
        for parts in self.parts.values():
            places.extend(parts.values())
        return frozenset(place.column for place in places)


def find_columns(
    path: Path, schema: Any, renamed: Mapping[str, str], *, required: tuple[str, ...]
) -> TableLayout:
    """Return where a table of this schema keeps what; ``renamed`` maps our names to its own.

    Raises:
        ConfigurationError: a required column is missing, or ``renamed`` names what is not there.
    """
    chosen: dict[str, ColumnPath] = {}
    for name, other in renamed.items():
        if name not in _NAMES:
            accepted = ", ".join(_NAMES)
            raise ConfigurationError(f"--column {name}=...: no such column; accepted: {accepted}")
        place = _find(schema, other)
        if place is None:
            raise ConfigurationError(
                f"{path} has no column {other!r} for {name}; it has {_listed(schema)};"
                f" give --column {name}=OTHER"
            )
        chosen[name] = place
    plain = {name: at for name in PLAIN if (at := chosen.get(name) or _find(schema, name))}
    for name in required:
        if name not in plain:
            raise ConfigurationError(
                f"{path} has no column {name}; it has {_listed(schema)}; give --column {name}=OTHER"
            )
    whole = {name: at for name in PARTS if (at := chosen.get(name) or _find(schema, name))}
    parts = {name: _parts(schema, name, chosen) for name in PARTS}
    return TableLayout(plain, whole, parts)


def _parts(schema: Any, name: str, chosen: Mapping[str, ColumnPath]) -> dict[str, ColumnPath]:
    places: dict[str, ColumnPath] = {}
    for part in PARTS[name]:
        spellings = [f"{name}.{part}", f"{name}_{part}"]
        if name == "location":
            spellings.append(part)
            if part in chosen:
                places[part] = chosen[part]
                continue
        place = next((at for spelling in spellings if (at := _find(schema, spelling))), None)
        if place is not None:
            places[part] = place
    return places


def _find(schema: Any, name: str) -> ColumnPath | None:
    """Find a column, or a field inside a nested one written with dots."""
    if name in schema.names:
        return ColumnPath(name)
    column, *steps = name.split(".")
    if not steps or column not in schema.names:
        return None
    kind = schema.field(column).type
    for step in steps:
        if not pa.types.is_struct(kind) or kind.get_field_index(step) < 0:
            return None
        kind = kind.field(step).type
    return ColumnPath(column, tuple(steps))


def _listed(schema: Any) -> str:
    return ", ".join(schema.names[:40])
