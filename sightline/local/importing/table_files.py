"""Opens tables as batches of raw columns, with the number of each row; one module per format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from sightline.errors import ConfigurationError
from sightline.geodata.gis_files import is_gis_file
from sightline.local.importing.csv_files import open_csv
from sightline.local.importing.file_errors import file_errors
from sightline.local.importing.foreign_formats import refuse_foreign
from sightline.local.importing.geojson_tables import is_geojson, open_geojson
from sightline.local.importing.geometry_columns import GeometryColumns
from sightline.local.importing.gis_tables import open_gis_table
from sightline.local.importing.parquet_files import PARQUET_MAGIC, open_parquet
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import Tally

_PARQUET = (".parquet", ".geoparquet", ".pq")
_HEAD_BYTES = 1 << 16


class TableFile(Protocol):
    """An opened table: its columns' types, and its number of rows if known."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def schema(self) -> Any:
        """The Arrow schema of its columns."""

    @property
    def rows(self) -> int | None:
        """The number of rows, if known."""

    @property
    def geometry(self) -> GeometryColumns:
        """The columns that the file declares as geometry."""

    def batches(self, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:
        """Yield the rows of the named columns; rows that cannot be parsed are refused.

        Raises:
            ConfigurationError: the file is truncated or cannot be read.
        """


def open_table(path: Path) -> TableFile:
    """Open a CSV (UTF-8, separated by comma, semicolon, tab or bar), Parquet or GIS file.

    GIS files are GeoJSON, GeoJSON sequences, GeoPackages, and Shapefiles with their folder or in an
    archive; ``path`` may name a layer, see ``sightline.geodata.gis_files``.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it has another format, or is empty, or names a column twice.
    """
    with file_errors(path):
        table = _opened(path)
    names = table.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{path}: column {twice[0]!r} appears twice; rename one of them")
    return table


def _opened(path: Path) -> TableFile:
    if is_gis_file(path):
        return open_gis_table(path)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(PARQUET_MAGIC):
        return open_parquet(path)
    if is_geojson(path, head):
        return open_geojson(path)
    refuse_foreign(path, head)
    if path.suffix.lower() in _PARQUET and head.strip():
        raise ConfigurationError(
            f"{path} is named like a Parquet file, and its content is another; export it again, or"
            " rename it if it is CSV"
        )
    return open_csv(path, head)
