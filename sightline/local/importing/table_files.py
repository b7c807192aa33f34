"""CSV and Parquet files as batches of raw columns, each row under its number."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from sightline.errors import ConfigurationError, NotFoundError
from sightline.local.importing.report import RefusalReason, Tally
from sightline.vision.images import SNIFF_BYTES, sniff

_BLOCK_BYTES = 1 << 20
_BATCH_ROWS = 32_768
_PARQUET_MAGIC = b"PAR1"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Rows as they stand in the file: bytes in a CSV, anything in Parquet.

    ``numbers`` (int64) are the rows' numbers: in a CSV the header is row 1, in Parquet the first
    row is.
    """

    columns: dict[str, Any]
    numbers: Any


@dataclass(frozen=True, slots=True)
class TableFile:
    """An opened table: its columns' types, and how many rows it has if that is known."""

    path: Path
    schema: Any
    rows: int | None
    delimiter: str | None

    def batches(self, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:
        """Yield the rows of the named columns; rows of another length are refused.

        Raises:
            ConfigurationError: the file breaks off or cannot be read on.
        """
        with _file_errors(self.path):
            if self.delimiter is None:
                yield from _parquet_batches(self.path, names)
            else:
                yield from _csv_batches(self, names, tally)


def open_table(path: Path) -> TableFile:
    """Open a CSV (UTF-8, separated by comma, semicolon or tab) or Parquet file.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it is neither, or empty, or names a column twice.
    """
    with _file_errors(path):
        with path.open("rb") as file:
            head = file.read(1 << 16)
        if head.startswith(_PARQUET_MAGIC):
            with pq.ParquetFile(path) as parquet:
                table = TableFile(path, parquet.schema_arrow, parquet.metadata.num_rows, None)
        else:
            delimiter = _check_csv(path, head)
            lines = csv.reader(
                StringIO(head.decode("utf-8-sig", "replace"), newline=""), delimiter=delimiter
            )
            header = next(line for line in lines if line)
            table = TableFile(
                path, pa.schema([(name, pa.binary()) for name in header]), None, delimiter
            )
    names = table.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{path}: column {twice[0]!r} appears twice; rename one of them")
    return table


def _check_csv(path: Path, head: bytes) -> str:
    """Return the delimiter of what must be a CSV."""
    if not head.strip(b"\xef\xbb\xbf\r\n\t "):
        raise ConfigurationError(f"{path} is empty; give a table with a header line")
    if sniff(head[:SNIFF_BYTES]) is not None:
        raise ConfigurationError(f"{path} is a picture; give the folder that it is in")
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


def _csv_batches(table: TableFile, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:
    ragged = array("q")

    def refuse(row: Any) -> str:
        ragged.append(row.number)
        tally.refuse(
            f"row {row.number}",
            RefusalReason.RAGGED_ROW,
            f"{row.actual_columns} cells, and the header has {row.expected_columns}",
        )
        return "skip"

    columns = [name for name in table.schema.names if name in names]
    reader = pa_csv.open_csv(
        table.path,
        # One thread: otherwise the parser does not say which row it is at.
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
        parse_options=_parsing(table.delimiter or ",", invalid_row_handler=refuse),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.binary()), include_columns=columns
        ),
    )
    last, seen = 1, 0
    with reader:
        for batch in reader:
            numbers, last, seen = _number(len(batch), last, seen, ragged)
            yield RawBatch(dict(zip(columns, batch.columns, strict=True)), numbers)


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


def _parquet_batches(path: Path, names: frozenset[str]) -> Iterator[RawBatch]:
    last = 0
    with pq.ParquetFile(path) as parquet:
        columns = [name for name in parquet.schema_arrow.names if name in names]
        for batch in parquet.iter_batches(_BATCH_ROWS, columns=columns):
            numbers = np.arange(last + 1, last + 1 + len(batch), dtype=np.int64)
            last += len(batch)
            yield RawBatch(dict(zip(batch.schema.names, batch.columns, strict=True)), numbers)


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} does not exist; give a CSV or Parquet file") from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        text = " ".join(str(error).split())[:300]
        raise ConfigurationError(f"{path} cannot be read: {text}; fix it and try again") from error
