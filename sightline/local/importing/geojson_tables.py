"""GeoJSON as a table: one row per feature, one column per property; the file is read whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from sightline.errors import ConfigurationError
from sightline.geodata.crs import DEGREES
from sightline.geodata.geojson import Feature, GeoJsonError, documents, features
from sightline.local.importing.geometry_columns import GeometryColumns
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import Tally

_SUFFIXES = (".geojson", ".geojsonl", ".geojsons")
_TYPES = (
    *("Feature", "FeatureCollection", "GeometryCollection"),
    *("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"),
)
_BEGINNING = re.compile(rb'\{.*?"type"\s*:\s*"(\w+)"', re.DOTALL)
_BATCH_ROWS = 32_768
GEOMETRY, ID = "geometry", "id"


@dataclass(frozen=True, slots=True)
class GeoJsonTableFile:
    """A GeoJSON file in memory: its features as one Arrow table."""

    path: Path
    table: Any
    geometry: GeometryColumns

    @property
    def schema(self) -> Any:
        """The types of the columns."""
        return self.table.schema

    @property
    def rows(self) -> int | None:
        """The number of features."""
        return int(self.table.num_rows)

    def batches(self, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:  # noqa: ARG002 - every feature is a row
        """Yield the rows of the named columns; the first feature is row 1."""
        wanted = self.table.select([name for name in self.schema.names if name in names])
        for first in range(0, self.table.num_rows, _BATCH_ROWS):
            part = wanted.slice(first, _BATCH_ROWS).combine_chunks()
            count = min(_BATCH_ROWS, self.table.num_rows - first)
            numbers = np.arange(first + 1, first + 1 + count, dtype=np.int64)
            columns = {name: _array(part.column(name)) for name in part.column_names}
            yield RawBatch(columns, numbers)


def is_geojson(path: Path, head: bytes) -> bool:
    """Return whether a file is GeoJSON or a sequence, by its name or its first bytes."""
    if path.suffix.lower() in _SUFFIXES:
        return True
    beginning = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \r\n\t\x1e")
    try:
        first = orjson.loads(beginning.partition(b"\n")[0])
    except orjson.JSONDecodeError:  # its first line is not a whole object
        match = _BEGINNING.match(beginning)
        return match is not None and match[1].decode() in _TYPES
    return isinstance(first, dict) and first.get("type") in _TYPES


def open_geojson(path: Path) -> GeoJsonTableFile:
    """Read a GeoJSON file, or a sequence of features.

    Raises:
        ConfigurationError: it is neither, or has no feature, or several CRSs.
    """
    try:
        rows = [
            feature for document in documents(path.read_bytes()) for feature in features(document)
        ]
    except GeoJsonError as error:
        raise ConfigurationError(f"{path} is not GeoJSON: {error}; fix it and try again") from error
    if not rows:
        raise ConfigurationError(f"{path} contains no feature; give a file that does")
    systems = {str(feature.crs): feature.crs for feature in rows}
    if len(systems) > 1:
        raise ConfigurationError(
            f"{path} has several CRSs, {', '.join(systems)}; give it in one of them"
        )
    (crs,) = systems.values()
    return GeoJsonTableFile(path, _table(rows), GeometryColumns({GEOMETRY: crs or DEGREES}))


def _table(rows: Sequence[Feature]) -> Any:
    """Return properties as columns, in the order of appearance, then id and geometry."""
    names = dict.fromkeys(name for feature in rows for name in feature.properties)
    columns = {name: _column([feature.properties.get(name) for feature in rows]) for name in names}
    if any(feature.id is not None for feature in rows):
        columns.setdefault(ID, _column([feature.id for feature in rows]))
    columns[GEOMETRY] = pa.array([_text(feature.geometry) for feature in rows], pa.string())
    return pa.table(columns)


def _column(values: Sequence[object]) -> Any:
    """Return numbers, booleans or texts unchanged, and anything else as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or kinds == {bool}:
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, OverflowError):
            pass  # an integer that is too large for a column stays a text
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _array(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
