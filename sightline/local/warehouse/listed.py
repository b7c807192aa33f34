"""Reads ranges of work lists, each from its bucket's file.

Without DuckDB: opening a connection for a few thousand rows took most of the time of publishing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sightline.errors import StorageError
from sightline.whole_files import storage_errors


def listed_rows(
    path: Path, columns: Sequence[str], *, start: int, stop: int
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows ``start <= seq < stop`` of a bucket's file, in order.

    Raises:
        StorageError: the file is not a work list, or cannot be read.
    """
    within = [("seq", ">=", start), ("seq", "<", stop)]
    try:
        with storage_errors(path):
            selected = [*{*columns, "seq"}]
            table = pq.read_table(path, columns=selected, filters=within, partitioning=None)
            rows = table.sort_by("seq").select(list(columns))
    except pa.ArrowException as error:
        raise StorageError(
            f"{path} is not a work list ({str(error).splitlines()[0]});"
            " move its folder out of the warehouse and enqueue again"
        ) from error
    return zip(*(column.to_pylist() for column in rows.columns), strict=True)
