"""Appends results: converts rows to Arrow columns, one Parquet file per ledger and call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sightline.errors import UnwritableRowsError
from sightline.http_client.redaction import one_line
from sightline.local.marks import Marks
from sightline.local.warehouse.store import Store
from sightline.ports import ResultRow
from sightline.records import columns_of, ledger_of
from sightline.schema import Ledger, parquet_schema


class LocalWriter:
    """Appends to the ledgers below ``root``; several processes may do so concurrently.

    ``marks`` are those of this process's queue: file names carry the latest one.
    """

    def __init__(self, root: Path, *, marks: Marks | None = None) -> None:
        self._store = Store(root)
        self._marks = marks or Marks()

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Append rows; durable on return. Safe to repeat: views show one row per key.

        Rows of several ledgers are in several files: some may be written when it raises.

        Raises:
            StorageError: the disk is full, read-only or missing.
            UnwritableRowsError: some rows cannot be stored; all others are durable.
        """
        await asyncio.to_thread(self._write, rows)

    def _write(self, rows: Sequence[ResultRow]) -> None:
        """Build all tables first, to find unstorable rows before anything is written."""
        groups: dict[str, tuple[Ledger, list[int]]] = {}
        for place, row in enumerate(rows):
            ledger = ledger_of(row)
            groups.setdefault(ledger.name, (ledger, []))[1].append(place)
        tables: list[tuple[Ledger, pa.Table]] = []
        unwritable: dict[int, str] = {}
        for ledger, places in groups.values():
            table, wrong = _storable(ledger, [rows[place] for place in places])
            tables.append((ledger, table))
            unwritable.update((places[at], why) for at, why in wrong.items())
        for ledger, table in tables:
            mark = self._marks.latest
            self._store.append(table, ledger, mark=mark)
            self._marks.wrote(ledger.name, mark)
        if unwritable:
            raise UnwritableRowsError(unwritable)


def _storable(ledger: Ledger, rows: Sequence[ResultRow]) -> tuple[pa.Table, Mapping[int, str]]:
    """Return the rows that a ledger can store, as a table, and why it cannot store the others.

    All rows are tried together, and one by one if that fails: several kinds of values may be the
    cause (an integer of more than 64 bits, an invalid Unicode string), and Arrow does not name it.
    """
    try:
        return _table(ledger, rows), {}
    except Exception as error:
        wrong: dict[int, str] = {}
        for place, row in enumerate(rows):
            try:
                _table(ledger, [row])
            except Exception as why:  # noqa: BLE001 - any error is of this row
                wrong[place] = f"{type(why).__name__}: {one_line(str(why))}"
        if not wrong:
            raise error from None
        good = [row for place, row in enumerate(rows) if place not in wrong]
        return _table(ledger, good), wrong


def _table(ledger: Ledger, rows: Sequence[ResultRow]) -> pa.Table:
    schema = parquet_schema(ledger)
    columns = [columns_of(row) for row in rows]
    arrays = [_array(field.type, [values[field.name] for values in columns]) for field in schema]
    for field, array in zip(schema, arrays, strict=True):
        if array.null_count and not field.nullable:
            raise ValueError(f"{field.name} is required, and missing")
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    return _vectors(values) if values and pa.types.is_list(kind) else pa.array(values, kind)


def _vectors(vectors: Sequence[Sequence[float]]) -> pa.Array:
    """Return vectors of one length as an Arrow column over one block of floats."""
    count, dimension = len(vectors), len(vectors[0])
    block = np.empty((count, dimension), dtype=np.float32)
    with np.errstate(over="ignore"):  # values too large for 32 bits become infinite
        for row, vector in enumerate(vectors):
            block[row] = vector
    if not np.isfinite(block).all():
        raise ValueError("the vector has numbers that are not finite")
    offsets = np.arange(0, (count + 1) * dimension, dimension, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(block.reshape(-1)))
