"""The formats: which one a file's name means, and what writes it."""

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
    """What can be written."""

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
"""The format that a suffix means."""


class TableWriter(Protocol):
    """A table that is being written."""

    without_position: int
    """Rows so far without a usable position."""

    changed_cells: int
    """Cells so far that stand otherwise than they are; CSV and GeoPackage have such."""

    def write(self, page: Sequence[AnswerRow]) -> None:
        """Append rows."""
        ...

    def finish(self) -> None:
        """Write what comes after the last row."""
        ...

    def abandon(self) -> None:
        """Let go of a file that is not to be finished."""
        ...


def format_of(path: Path, chosen: ExportFormat | None) -> ExportFormat:
    """Return the format that is meant.

    Raises:
        ConfigurationError: none is given, and the name does not tell.
    """
    if chosen is not None:
        return chosen
    format_ = FORMATS.get(path.suffix.lower())
    if format_ is None:
        also = " (.jsonl is for --format tuning)" if path.suffix == ".jsonl" else ""
        raise ConfigurationError(
            f"{path} does not tell its format{also}; end it in {', '.join(FORMATS)}, or give"
            f" --format {'|'.join(ExportFormat)}"
        )
    return format_


@contextmanager
def open_table(kind: ExportFormat, file: BinaryIO, task: TaskSpec) -> Iterator[TableWriter]:
    """Yield the table to write into a file; it is finished when the block ends well."""
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
