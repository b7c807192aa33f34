"""The export formats: which one a file's name stands for, and its writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from sightline.errors import ConfigurationError
from sightline.export.csv_table import CsvTable
from sightline.export.geojson_table import GeoJsonTable
from sightline.export.geopackage_table import GeoPackageTable
from sightline.export.parquet_table import ParquetTable
from sightline.ports import AnswerRow
from sightline.tasks import TaskSpec


class ExportFormat(StrEnum):
    """The formats that can be written."""

    PARQUET = "parquet"
    GEOPARQUET = "geoparquet"
    GEOJSON = "geojson"
    GPKG = "gpkg"
    CSV = "csv"
    TUNING = "tuning"


FORMATS = {
    ".parquet": ExportFormat.PARQUET,
    ".geoparquet": ExportFormat.GEOPARQUET,
    ".geojson": ExportFormat.GEOJSON,
    ".gpkg": ExportFormat.GPKG,
    ".csv": ExportFormat.CSV,
}
"""The format for each suffix."""


class TableWriter(Protocol):
    """A table that is being written."""

    without_position: int
    """Rows so far without a usable position."""

    changed_cells: int
    """Cells so far whose value was changed for the format; only CSV and GeoPackage do so."""

    def write(self, page: Sequence[AnswerRow]) -> None:
        """Append rows."""
        ...

    def finish(self) -> None:
        """Write what follows the last row."""
        ...

    def abandon(self) -> None:
        """Discard a file that will not be finished."""
        ...


def format_of(path: Path, chosen: ExportFormat | None) -> ExportFormat:
    """Return the chosen format, or that of the file's suffix.

    Raises:
        ConfigurationError: no format is chosen, and the suffix is not known.
    """
    if chosen is not None:
        return chosen
    format_ = FORMATS.get(path.suffix.lower())
    if format_ is None:
        also = " (.jsonl is for --format tuning)" if path.suffix == ".jsonl" else ""
        raise ConfigurationError(
            f"{path} has no known suffix{also}; end it in {', '.join(FORMATS)}, or give"
            f" --format {'|'.join(ExportFormat)}"
        )
    return format_


@contextmanager
def open_table(kind: ExportFormat, file: BinaryIO, task: TaskSpec) -> Iterator[TableWriter]:
    """Yield a table that writes into a file; it is finished if the block ends normally."""
    table: TableWriter
    if kind in {ExportFormat.PARQUET, ExportFormat.GEOPARQUET}:
        table = ParquetTable(file, task, geo=kind is ExportFormat.GEOPARQUET)
    elif kind is ExportFormat.GEOJSON:
        table = GeoJsonTable(file, task)
    elif kind is ExportFormat.GPKG:
        table = GeoPackageTable(file, task)
    elif kind is ExportFormat.CSV:
        table = CsvTable(file, task)
    else:
        raise ConfigurationError(
            f"--format {kind} does not write a table; give parquet, geojson, gpkg or csv"
        )
    try:
        yield table
        table.finish()
    except BaseException:
        table.abandon()
        raise
