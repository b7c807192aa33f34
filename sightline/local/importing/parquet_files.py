"""Reads Parquet files, including GeoParquet, as batches of columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from sightline.local.importing.file_errors import file_errors
from sightline.local.importing.geometry_columns import GeometryColumns, declared_geometry
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import Tally

PARQUET_MAGIC = b"PAR1"
_BATCH_ROWS = 32_768


@dataclass(frozen=True, slots=True)
class ParquetTableFile:
    """An opened Parquet file."""

    path: Path
    schema: Any
    rows: int | None
    geometry: GeometryColumns

    def batches(self, names: frozenset[str], tally: Tally) -> Iterator[RawBatch]:  # noqa: ARG002 - every row can be taken apart
        """Yield the rows of the named columns."""
        last = 0
        with file_errors(self.path), _opened(self.path) as parquet:
            columns = [name for name in self.schema.names if name in names]
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=columns):
                numbers = np.arange(last + 1, last + 1 + len(batch), dtype=np.int64)
                last += len(batch)
                yield RawBatch(dict(zip(batch.schema.names, batch.columns, strict=True)), numbers)


def open_parquet(path: Path) -> ParquetTableFile:
    """Open a Parquet file."""
    with _opened(path) as parquet:
        schema = parquet.schema_arrow
        geometry = declared_geometry(schema, parquet.schema)
        return ParquetTableFile(path, schema, parquet.metadata.num_rows, geometry)


def _opened(path: Path) -> Any:
    # Nanoseconds end in the year 2262, and INT96 beyond it would wrap around.
    return pq.ParquetFile(path, coerce_int96_timestamp_unit="us")
