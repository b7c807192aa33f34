"""Files of tables as batches of raw columns, each row under its number; one module a format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from sightline.errors import ConfigurationError
from sightline.local.importing.csv_files import open_csv
from sightline.local.importing.file_errors import file_errors
from sightline.local.importing.foreign_formats import refuse_foreign
from sightline.local.importing.geometry_columns import GeometryColumns
from sightline.local.importing.parquet_files import PARQUET_MAGIC, open_parquet
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import Tally

_HEAD_BYTES = 1 << 16


class TableFile(Protocol):
    """An opened table: its columns' types, and how many rows it has if that is known."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def schema(self) -> Any:
        """The Arrow schema of its columns."""

    @property
    def rows(self) -> int | None:
        """How many rows it has, if that is known."""

    @property
    def geometry(self) -> GeometryColumns:
        """The columns that the file declares to be geometry."""

    def batches(self, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:
        """Yield the rows of the named columns; rows that cannot be taken apart are refused.

        Raises:
            ConfigurationError: the file breaks off or cannot be read on.
        """


def open_table(path: Path) -> TableFile:
    """Open a CSV (UTF-8, separated by comma, semicolon, tab or bar) or Parquet file.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it is neither, or empty, or names a column twice.
    """
    with file_errors(path):
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        table: TableFile
        if head.startswith(PARQUET_MAGIC):
            table = open_parquet(path)
        else:
            refuse_foreign(path, head)
            table = open_csv(path, head)
    names = table.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{path}: column {twice[0]!r} appears twice; rename one of them")
    return table
