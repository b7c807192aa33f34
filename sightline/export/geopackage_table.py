"""GeoPackage (OGC 12-128r18): one layer of points in WGS 84, for QGIS and other GIS programs.

GDAL writes it, which needs the extra ``gis``. The same answers give the same bytes: the layer's
modification time is that of the newest answer. Times are truncated to milliseconds, a list is JSON,
and a zero character, at which GDAL ends a text, becomes U+FFFD.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from sightline.errors import StorageError
from sightline.export.parquet_table import ROW_GROUP, arrow_schema
from sightline.export.points import coordinates_of, wkb_points
from sightline.export.table import AnswerTable, position, rows_of
from sightline.extras import library
from sightline.ports import AnswerRow
from sightline.tasks import TaskSpec

GEOMETRY, FID = "geom", "fid"
_ZERO, _REPLACEMENT = "\0", "\ufffd"
_CHANGE_TIME = "OGR_CURRENT_DATE"


class GeoPackageTable:
    """A GeoPackage built in the system's temporary folder, and copied when complete."""

    def __init__(self, file: BinaryIO, task: TaskSpec) -> None:
        self._gdal = library("pyogrio", "gis")
        self._file = file
        self._table = AnswerTable(task, (GEOMETRY, FID))
        self._schema = arrow_schema(self._table).append(pa.field(GEOMETRY, pa.binary()))
        self._held: list[pa.RecordBatch] = []
        self._newest = datetime(1970, 1, 1, tzinfo=UTC)
        self._folder = tempfile.TemporaryDirectory(prefix="sightline-export-")
        self._path = Path(self._folder.name) / "layer.gpkg"
        self.without_position = 0
        self.changed_cells = 0

    def write(self, page: Sequence[AnswerRow]) -> None:
        """Append rows."""
        rows = rows_of(self._table, page)
        positions = [position(answer) for answer in page]
        self.without_position += positions.count(None)
        for row, geometry in zip(rows, wkb_points(coordinates_of(positions)), strict=True):
            row.update((name, self._text(value)) for name, value in row.items())
            row[GEOMETRY] = geometry
        self._newest = max((self._newest, *(answer.written_at for answer in page)))
        self._held.append(pa.RecordBatch.from_pylist(rows, schema=self._schema))
        if sum(batch.num_rows for batch in self._held) >= ROW_GROUP:
            self._flush()

    def finish(self) -> None:
        """Write the buffered rows, and copy the file to its place."""
        if self._held or not self._path.exists():
            self._flush()
        with self._path.open("rb") as whole:
            shutil.copyfileobj(whole, self._file)
        self._folder.cleanup()

    def abandon(self) -> None:
        """Remove the temporary file."""
        self._folder.cleanup()

    def _text(self, value: Any) -> Any:
        if not (isinstance(value, str) and _ZERO in value):
            return value
        self.changed_cells += 1
        return value.replace(_ZERO, _REPLACEMENT)

    def _flush(self) -> None:
        rows = _to_milliseconds(pa.Table.from_batches(self._held, self._schema))
        self._held = []
        with self._change_time(), self._errors():
            self._gdal.write_arrow(
                rows,
                self._path,
                layer=self._table.task.name,
                driver="GPKG",
                geometry_name=GEOMETRY,
                geometry_type="Point",
                crs="EPSG:4326",
                append=self._path.exists(),
            )

    @contextmanager
    def _change_time(self) -> Iterator[None]:
        """Set the layer's modification time to that of its newest answer."""
        before = self._gdal.get_gdal_config_option(_CHANGE_TIME)
        text = f"{self._newest.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        self._gdal.set_gdal_config_options({_CHANGE_TIME: text})
        try:
            yield
        finally:
            self._gdal.set_gdal_config_options({_CHANGE_TIME: before})

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (self._gdal.errors.DataSourceError, self._gdal.errors.DataLayerError) as error:
            text = " ".join(str(error).split())[:300]
            raise StorageError(
                f"{self._path}: {text}; free some space, or set TMPDIR to another folder, then run"
                " the command again"
            ) from error


def _to_milliseconds(rows: pa.Table) -> pa.Table:
    """Truncate times to milliseconds: GDAL rounds them, and writes a minute's second 60."""
    for index, column in enumerate(rows.schema):
        if pa.types.is_timestamp(column.type):
            cut = pc.floor_temporal(rows.column(index), unit="millisecond")
            rows = rows.set_column(
                index, column.name, cut.cast(pa.timestamp("ms", tz=column.type.tz))
            )
    return rows
