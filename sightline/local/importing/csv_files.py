"""CSV files as batches of raw columns, each row under its number."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from sightline.errors import ConfigurationError
from sightline.local.importing.file_errors import file_errors
from sightline.local.importing.geometry_columns import GeometryColumns
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import RefusalReason, Tally

_BLOCK_BYTES = 1 << 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class CsvTableFile:
    """An opened CSV file: every column is bytes."""

    path: Path
    schema: Any
    delimiter: str
    rows: int | None = None
    geometry: GeometryColumns = field(default_factory=GeometryColumns)

    def batches(self, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:
        """Yield the rows of the named columns; rows of another length are refused."""
        with file_errors(self.path):
            yield from _csv_batches(self, names, tally)


def open_csv(path: Path, head: bytes) -> CsvTableFile:
    """Open a CSV file that begins with ``head``."""
    delimiter = _check_csv(path, head)
    lines = csv.reader(
        StringIO(head.decode("utf-8-sig", "replace"), newline=""), delimiter=delimiter
    )
    header = next(line for line in lines if line)
    return CsvTableFile(path, pa.schema([(name, pa.binary()) for name in header]), delimiter)


def _check_csv(path: Path, head: bytes) -> str:
    """Return the delimiter of what must be a CSV."""
    if not head.strip(b"\xef\xbb\xbf\r\n\t "):
        raise ConfigurationError(f"{path} is empty; give a table with a header line")
    if head.startswith(_UTF16_MARKS):
        raise ConfigurationError(
            f"{path} is UTF-16; save it as UTF-8, e.g. `iconv -f utf-16 -t utf-8`"
        )
    if b"\0" in head:
        raise ConfigurationError(f"{path} is neither CSV nor Parquet; give one of these")
    header = head.lstrip(b"\xef\xbb\xbf\r\n").splitlines()[0]
    try:
        text = header.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: the header's byte {error.start + 1} is not UTF-8;"
            " save it as UTF-8, e.g. `iconv -f latin1 -t utf-8`"
        ) from error
    return max(",;\t", key=text.count)


def _parsing(delimiter: str, **options: Any) -> Any:
    return pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, **options)


def _csv_batches(table: CsvTableFile, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:
    ragged = array("q")

    def refuse(row: Any) -> str:
        ragged.append(row.number)
        tally.refuse(
            f"row {row.number}",
            RefusalReason.RAGGED_ROW,
            f"{row.actual_columns} cells, and the header has {row.expected_columns}",
        )
        return "skip"

    wanted = [name for name in table.schema.names if name in names]
    reader = pa_csv.open_csv(
        table.path,
        # One thread: otherwise the parser does not say which row it is at.
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
        parse_options=_parsing(table.delimiter or ",", invalid_row_handler=refuse),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.binary()), include_columns=wanted
        ),
    )
    last, seen = 1, 0
    with reader:
        for batch in reader:
            numbers, last, seen = _number(len(batch), last, seen, ragged)
            yield RawBatch(dict(zip(wanted, batch.columns, strict=True)), numbers)


def _number(count: int, last: int, seen: int, ragged: array[int]) -> tuple[Any, int, int]:
    """Number the rows after ``last``, leaving out the ragged ones from ``ragged[seen]`` on."""
    runs: list[Any] = []
    while count:
        stop = ragged[seen] if seen < len(ragged) else last + count + 1
        run = min(count, stop - last - 1)
        runs.append(np.arange(last + 1, last + 1 + run, dtype=np.int64))
        count -= run
        last += run
        if count:
            last, seen = stop, seen + 1
    return np.concatenate(runs) if runs else np.empty(0, np.int64), last, seen
