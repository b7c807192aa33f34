"""Rows as they are in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Rows as they are in the file: bytes in a CSV, any type in Parquet.

    ``numbers`` (int64) are the rows' numbers: in a CSV the header is row 1, in Parquet the first
    row is.
    """

    columns: dict[str, Any]
    numbers: Any
