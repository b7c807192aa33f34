"""Identifies the columns of a table: three generations of names, nested or flat, and a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline.errors import ConfigurationError
from sightline.local.importing.geometry_columns import GeometryColumns
from sightline.local.importing.names import (
    CORNERS,
    LATITUDE,
    LONGITUDE,
    POINTS,
    SIZED,
    X,
    Y,
    folded,
)
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
PARTS: Mapping[str, tuple[str, ...]] = {"bbox": BBOX, "camera_pose": POSE}
"""The nested columns; if flat, a part is called ``bbox.x_min`` or ``bbox_x_min``."""

_NAMES = (*PLAIN, "location", *PARTS, "latitude", "longitude")


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """The location of a value: a column, or a field inside a nested one."""

    column: str
    steps: tuple[str, ...] = ()

    def take(self, columns: Mapping[str, Any]) -> Any:
        """Return the values as an array."""
        values = columns[self.column]
        for step in self.steps:
            index = values.type.get_field_index(step)
            values = values.flatten()[index]  # a field of a null struct is null
        return values

    def __str__(self) -> str:
        return ".".join((self.column, *self.steps))


@dataclass(frozen=True, slots=True)
class CoordinateColumns:
    """Two columns of coordinates: in degrees, or in a named CRS."""

    x: ColumnPath
    y: ColumnPath
    crs: object = None

    @property
    def columns(self) -> frozenset[str]:
        """The required columns of the file."""
        return frozenset({self.x.column, self.y.column})

    @property
    def name(self) -> str:
        """The names of the columns."""
        return f"{self.y}, {self.x}"


@dataclass(frozen=True, slots=True)
class PointColumn:
    """A column of positions; ``is_declared`` if the file declares it as geometry."""

    place: ColumnPath
    crs: object = None
    is_declared: bool = False

    @property
    def columns(self) -> frozenset[str]:
        """The required columns of the file."""
        return frozenset({self.place.column})

    @property
    def name(self) -> str:
        """The name of the column."""
        return str(self.place)


PositionSource = CoordinateColumns | PointColumn


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The locations of a table's values: plain columns, nested ones, and positions.

    ``positions`` are in the order of precedence. ``notes`` tell the user how columns were
    interpreted.
    """

    plain: Mapping[str, ColumnPath]
    whole: Mapping[str, ColumnPath]
    parts: Mapping[str, Mapping[str, ColumnPath]]
    positions: tuple[PositionSource, ...]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """The required columns of the file."""
        places = [*self.plain.values(), *self.whole.values()]
        for parts in self.parts.values():
            places.extend(parts.values())
        of_positions = (source.columns for source in self.positions)
        return frozenset(place.column for place in places).union(*of_positions)


def find_columns(
    path: Path,
    schema: Any,
    renamed: Mapping[str, str],
    *,
    required: tuple[str, ...],
    geometry: GeometryColumns,
    crs: str | None = None,
) -> TableLayout:
    """Return the locations of the values in a table of this schema.

    ``renamed`` maps our names to the table's own. ``geometry`` is what the file declares; ``crs``
    is the user's CRS for coordinates for which the file declares none.

    Raises:
        ConfigurationError: a required column is missing, ``renamed`` names a column that does not
            exist, or a name matches two columns.
    """
    finder = _Finder(path, schema)
    chosen: dict[str, ColumnPath] = {}
    for name, other in renamed.items():
        if name not in _NAMES:
            accepted = ", ".join(_NAMES)
            raise ConfigurationError(f"--column {name}=...: no such column; accepted: {accepted}")
        place = finder.find(other)
        if place is None:
            raise ConfigurationError(
                f"{path} has no column {other!r} for {name}; it has {finder.listed()};"
                f" give --column {name}=OTHER"
            )
        chosen[name] = place
    plain = {name: at for name in PLAIN if (at := chosen.get(name) or finder.find(name))}
    for name in required:
        if name not in plain:
            step = ", or --asset-type for all rows" if name == "asset_type" else ""
            raise ConfigurationError(
                f"{path} has no column {name}; it has {finder.listed()}; give --column"
                f" {name}=OTHER{step}"
            )
    whole = {
        name: at
        for name in PARTS
        if (at := chosen.get(name) or finder.find(name)) and at.column not in geometry.coverings
    }
    parts = {"camera_pose": finder.parts("camera_pose", POSE), "bbox": finder.bounds()}
    positions = _positions(
        finder, chosen, geometry, crs, {at.column for at in parts["bbox"].values()}
    )
    return TableLayout(plain, whole, parts, positions, tuple(_notes(parts["bbox"], positions)))


def _notes(bounds: Mapping[str, ColumnPath], positions: Iterable[PositionSource]) -> Iterator[str]:
    """Note how columns were interpreted if the user may have meant something else."""
    names = [str(place) for place in bounds.values()]
    if names and not any(folded(name).startswith("bbox") for name in names):
        yield f"pixel bounds are read from {', '.join(names)}"
    for source in positions:
        if isinstance(source, PointColumn) and source.is_declared and source.crs is None:
            yield f"{source.name} declares no CRS; read as degrees of WGS 84, else give --crs"


def _positions(
    finder: _Finder,
    chosen: Mapping[str, ColumnPath],
    geometry: GeometryColumns,
    crs: str | None,
    of_bounds: set[str],
) -> tuple[PositionSource, ...]:
    """Return the sources of positions: degrees, then points, then x and y."""
    sources: list[PositionSource] = []
    x = chosen.get("longitude") or finder.first(LONGITUDE)
    y = chosen.get("latitude") or finder.first(LATITUDE)
    if x and y:
        is_named = "longitude" in chosen and "latitude" in chosen
        sources.append(CoordinateColumns(x, y, crs if is_named else None))
    places = [chosen["location"]] if "location" in chosen else [
        *map(ColumnPath, geometry.crs),
        *(at for name in POINTS if (at := finder.first((name,)))),
    ]  # fmt: skip
    for place in dict.fromkeys(places):
        is_declared = not place.steps and place.column in geometry.crs
        declared = geometry.crs.get(place.column) if is_declared else None
        sources.append(PointColumn(place, crs or declared, is_declared))
    east, north = finder.first(X), finder.first(Y)
    if not sources and east and north and not {east.column, north.column} & of_bounds:
        sources.append(CoordinateColumns(east, north, crs))
    if not sources and (x or y):
        has, lacks = ("longitude", "latitude") if x else ("latitude", "longitude")
        raise ConfigurationError(
            f"{finder.path} has {x or y} for {has}, and no column for {lacks}; it has"
            f" {finder.listed()}; give --column {lacks}=OTHER"
        )
    if crs and not any(source.crs == crs for source in sources):
        raise ConfigurationError(
            f"--crs {crs}: {finder.path} has no coordinates without a CRS; leave --crs out, or name"
            " them with --column longitude=EASTING --column latitude=NORTHING"
        )
    return tuple(sources)


class _Finder:
    """Finds columns by their names: exactly, inside nested ones, or whatever their case."""

    def __init__(self, path: Path, schema: Any) -> None:
        self.path = path
        self._schema = schema
        self._by_folded: dict[str, list[str]] = {}
        for name in schema.names:
            self._by_folded.setdefault(folded(name), []).append(name)

    def find(self, name: str) -> ColumnPath | None:
        """Find a column, or a field inside a nested one written with dots."""
        if name in self._schema.names:
            return ColumnPath(name)
        column, *steps = name.split(".")
        if steps and column in self._schema.names and self._has_field(column, steps):
            return ColumnPath(column, tuple(steps))
        return self.first((folded(name),), exact=name)

    def first(self, names: Iterable[str], *, exact: str = "") -> ColumnPath | None:
        """Find the first of some folded names.

        Raises:
            ConfigurationError: it matches two columns, and neither is spelled ``exact``-ly so.
        """
        for name in names:
            columns = self._by_folded.get(name, [])
            if len(columns) > 1 and not {name, exact} & set(columns):
                raise ConfigurationError(
                    f"{self.path}: {columns[0]!r} and {columns[1]!r} may both be"
                    f" {exact or name}; give --column {exact or name}=ONE_OF_THEM"
                )
            if columns:
                spelled = next((at for at in (exact, name) if at in columns), columns[0])
                return ColumnPath(spelled)
        return None

    def parts(self, name: str, parts: Iterable[str]) -> dict[str, ColumnPath]:
        """Find the flat columns of a nested one, such as ``camera_pose_heading``."""
        places = {part: self.first((folded(name + part),)) for part in parts}
        return {part: place for part, place in places.items() if place}

    def bounds(self) -> dict[str, ColumnPath]:
        """Find the flat columns of pixel bounds; without the prefix ``bbox`` all four, or none."""
        corners, sized = ([self._edges(prefix, edges) for prefix in ("bbox", "")]
                          for edges in (CORNERS, SIZED))  # fmt: skip
        complete = [places for places in (*corners, *sized) if len(places) == len(BBOX)]
        return complete[0] if complete else corners[0] or sized[0]

    def _edges(self, prefix: str, edges: Iterable[tuple[str, ...]]) -> dict[str, ColumnPath]:
        places = {names[0]: self.first(prefix + name for name in names) for names in edges}
        return {name: place for name, place in places.items() if place}

    def listed(self) -> str:
        """Return the names of the columns, for a message."""
        return ", ".join(self._schema.names[:40])

    def _has_field(self, column: str, steps: Iterable[str]) -> bool:
        kind = self._schema.field(column).type
        for step in steps:
            if not pa.types.is_struct(kind) or kind.get_field_index(step) < 0:
                return False
            kind = kind.field(step).type
        return True
