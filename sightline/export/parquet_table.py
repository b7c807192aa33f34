"""Parquet and GeoParquet: exact types and, for maps, a point for each row.

GeoParquet is version 1.1 (https://geoparquet.org/releases/v1.1.0/): points as WKB in ``geometry``,
their bounds in ``bbox``, by which readers skip row groups, and coordinates in OGC:CRS84, the
default of a file without ``crs``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sightline.export.points import coordinates_of, wkb_points
from sightline.export.table import AnswerTable, position, rows_of
from sightline.ports import AnswerRow
from sightline.tasks import TaskSpec

ROW_GROUP = 50_000
"""The rows of a row group, which are buffered before they are written."""

GEOMETRY = "geometry"
BBOX = "bbox"
_EDGES = ("xmin", "ymin", "xmax", "ymax")

_TYPES = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "time": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
}


class ParquetTable:
    """A Parquet file that is written by row groups."""

    def __init__(self, file: BinaryIO, task: TaskSpec, *, geo: bool) -> None:
        self._geo = geo
        self._table = AnswerTable(task, (GEOMETRY, BBOX) if geo else ())
        self._schema = arrow_schema(self._table, geo=geo)
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._held: list[pa.RecordBatch] = []
        self._bounds = np.full(4, np.nan)
        self.without_position = 0
        self.changed_cells = 0

    def write(self, page: Sequence[AnswerRow]) -> None:
        """Append rows."""
        rows = rows_of(self._table, page)
        positions = [position(answer) for answer in page]
        self.without_position += positions.count(None)
        if self._geo:
            self._place(rows, positions)
        self._held.append(pa.RecordBatch.from_pylist(rows, schema=self._schema))
        if sum(batch.num_rows for batch in self._held) >= ROW_GROUP:
            self._flush()

    def finish(self) -> None:
        """Write the last row group, and the footer."""
        self._flush()
        if self._geo:
            bounds = None if np.isnan(self._bounds).any() else self._bounds.tolist()
            self._writer.add_key_value_metadata({"geo": json.dumps(geo_metadata(bounds))})
        self._writer.close()

    def abandon(self) -> None:
        """Discard the file, which the caller deletes."""
        with suppress(OSError):  # the disk may be full, which was reported already
            self._writer.close()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, self._schema))
            self._held = []

    def _place(
        self, rows: Sequence[dict[str, Any]], positions: Sequence[tuple[float, float] | None]
    ) -> None:
        """Add each row's point and bounds, or null, and extend the bounds of the file."""
        coordinates = coordinates_of(positions)
        for row, place, geometry in zip(rows, positions, wkb_points(coordinates), strict=True):
            row[GEOMETRY] = geometry
            row[BBOX] = place and dict(zip(_EDGES, place * 2, strict=True))
        corners = np.vstack([self._bounds.reshape(2, 2), coordinates])
        self._bounds = np.concatenate([np.fmin.reduce(corners), np.fmax.reduce(corners)])


def arrow_schema(table: AnswerTable, *, geo: bool = False) -> pa.Schema:
    """Return the columns of a table of answers; with ``geo``, with a point and its bounds."""
    columns = [
        pa.field(
            column.name,
            _TYPES.get(column.type, pa.string()),
            metadata={"description": column.description} if column.description else None,
        )
        for column in table.columns
    ]
    if geo:
        edges = [pa.field(name, pa.float64(), nullable=False) for name in _EDGES]
        columns += [pa.field(GEOMETRY, pa.binary()), pa.field(BBOX, pa.struct(edges))]
    return pa.schema(columns)


def geo_metadata(bounds: Sequence[float] | None) -> dict[str, Any]:
    """Return GeoParquet's key ``geo`` for a file whose points are within these bounds."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "covering": {"bbox": {name: [BBOX, name] for name in _EDGES}},
    }
    if bounds is not None:
        column["bbox"] = list(bounds)
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
