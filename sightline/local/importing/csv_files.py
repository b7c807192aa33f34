"""Reads CSV files as batches of raw columns, with the number of each row."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from sightline.local.importing.csv_dialect import Dialect, dialect_of
from sightline.local.importing.file_errors import file_errors
from sightline.local.importing.geometry_columns import GeometryColumns
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import RefusalReason, Tally

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CsvTableFile:
    """An opened CSV file: every column is bytes."""

    path: Path
    schema: Any
    dialect: Dialect
    rows: int | None = None
    geometry: GeometryColumns = field(default_factory=GeometryColumns)

    def batches(self, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:
        """Yield the rows of the named columns; rows of another length are refused."""
        with file_errors(self.path):
            yield from _csv_batches(self, names, tally)


def open_csv(path: Path, head: bytes) -> CsvTableFile:
    """Open a CSV file that begins with ``head``.

    Raises:
        ConfigurationError: it is not CSV, or not UTF-8, or a quote is never closed.
    """
    dialect = dialect_of(path, head)
    return CsvTableFile(path, pa.schema([(name, pa.binary()) for name in dialect.header]), dialect)


def _csv_batches(table: CsvTableFile, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:
    ragged = array("q")

    def refuse(row: Any) -> str:
        number = row.number - table.dialect.skipped_lines
        ragged.append(number)
        lines = row.text.count("\n") + 1
        over = f" over {lines:,} lines, in which a quote may not be closed" if lines > 1 else ""
        tally.refuse(
            f"row {number}",
            RefusalReason.RAGGED_ROW,
            f"{row.actual_columns} cells{over}, and the header has {row.expected_columns}",
        )
        return "skip"

    columns = [name for name in table.schema.names if name in names]
    reader = pa_csv.open_csv(
        table.path,
        # One thread: with more, the parser does not report row numbers.
        read_options=pa_csv.ReadOptions(
            use_threads=False, block_size=_BLOCK_BYTES, skip_rows=table.dialect.skipped_lines
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=table.dialect.delimiter, newlines_in_values=True, invalid_row_handler=refuse
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.binary()), include_columns=columns
        ),
    )
    last, seen = 1, 0
    with reader:
        for batch in reader:
            numbers, last, seen = _number(len(batch), last, seen, ragged)
            rows = RawBatch(dict(zip(columns, batch.columns, strict=True)), numbers)
            yield _without_nuls(rows, tally) if table.dialect.has_nul else rows


def _without_nuls(batch: RawBatch, tally: Tally) -> RawBatch:
    """Return the rows without zero bytes; the others are refused."""
    is_good = np.ones(len(batch.numbers), bool)
    for name, column in batch.columns.items():
        for index in pc.indices_nonzero(pc.match_substring(column, "\0")).to_pylist():
            if is_good[index]:
                is_good[index] = False
                where = f"row {batch.numbers[index]}"
                tally.refuse(where, RefusalReason.ZERO_BYTE, f"{name} has a zero byte")
    good = pa.array(is_good)
    columns = {name: column.filter(good) for name, column in batch.columns.items()}
    return RawBatch(columns, batch.numbers[is_good])


def _number(count: int, last: int, seen: int, ragged: array[int]) -> tuple[Any, int, int]:
    """Number the rows after ``last``, skipping the ragged ones from ``ragged[seen]`` on."""
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
