"""Appends results: rows become Arrow columns, one Parquet file for each ledger and call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sightline.errors import UnwritableRowsError
from sightline.http_client.redaction import one_line
from sightline.local.marks import Marks
from sightline.local.warehouse.store import Store
from sightline.model import EmbeddingPart, Observation
from sightline.ports import (
    ClassificationRow,
    DeadLetterRow,
    EmbeddingRow,
    Provenance,
    ResultRow,
)
from sightline.schema import (
    CLASSIFICATIONS,
    DEAD_LETTERS,
    Ledger,
    embeddings_ledger,
    parquet_schema,
)

Columns = dict[str, Any]

Kind = EmbeddingPart | type[ResultRow]
"""What rows of one ledger have in common."""


class LocalWriter:
    """The ledgers below ``root``, to append to; many processes may at once.

    ``marks`` are those of this process's queue: files carry the latest of them.
    """

    def __init__(self, root: Path, *, marks: Marks | None = None) -> None:
        self._store = Store(root)
        self._marks = marks or Marks()

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Append rows; durable when it returns. Safe to repeat (views show one row a key).

        Rows of several ledgers are several files: some may be written when it raises.

        Raises:
            StorageError: the disk is full, read-only or gone.
            UnwritableRowsError: some rows cannot be stored; all others are durable.
        """
        await asyncio.to_thread(self._write, rows)

    def _write(self, rows: Sequence[ResultRow]) -> None:
        """Make all tables first: what cannot be stored is known before anything is written."""
        groups: dict[Kind, list[int]] = {}
        for place, row in enumerate(rows):
            kind: Kind = row.part if isinstance(row, EmbeddingRow) else type(row)
            groups.setdefault(kind, []).append(place)
        tables: list[tuple[Ledger, pa.Table]] = []
        unwritable: dict[int, str] = {}
        for kind, places in groups.items():
            ledger, table, wrong = _storable(kind, [rows[place] for place in places])
            tables.append((ledger, table))
            unwritable.update((places[at], why) for at, why in wrong.items())
        for ledger, table in tables:
            mark = self._marks.latest
            self._store.append(table, ledger, mark=mark)
            self._marks.wrote(ledger.name, mark)
        if unwritable:
            raise UnwritableRowsError(unwritable)


def _storable(kind: Kind, rows: Sequence[Any]) -> tuple[Ledger, pa.Table, Mapping[int, str]]:
    """Return the rows of a kind that can be stored, as a table, and why each of the others cannot.

    Rows are tried together, and one by one where that fails: values of many kinds may be to blame
    (a number of more than eight bytes, a text that is no Unicode), and Arrow says not which.
    """
    ledger = _ledger_of(kind)
    try:
        return ledger, _table(ledger, _columns_of(kind, rows)), {}
    except Exception as error:
        wrong: dict[int, str] = {}
        for place, row in enumerate(rows):
            try:
                _table(ledger, _columns_of(kind, [row]))
            except Exception as why:  # noqa: BLE001 - whatever it is, it is of this row
                wrong[place] = f"{type(why).__name__}: {one_line(str(why))}"
        if not wrong:
            raise error from None
        good = [row for place, row in enumerate(rows) if place not in wrong]
        return ledger, _table(ledger, _columns_of(kind, good)), wrong


def _ledger_of(kind: Kind) -> Ledger:
    if isinstance(kind, EmbeddingPart):
        return embeddings_ledger(kind.model, kind.dimension)
    return CLASSIFICATIONS if kind is ClassificationRow else DEAD_LETTERS


def _columns_of(kind: Kind, rows: Sequence[Any]) -> Columns:
    if isinstance(kind, EmbeddingPart):
        return _embeddings(kind, rows)
    return _classifications(rows) if kind is ClassificationRow else _dead_letters(rows)


def _table(ledger: Ledger, columns: Columns) -> pa.Table:
    schema = parquet_schema(ledger)
    arrays = [
        value if isinstance(value, pa.Array) else pa.array(value, field.type)
        for field, value in ((field, columns[field.name]) for field in schema)
    ]
    for field, values in zip(schema, arrays, strict=True):
        if values.null_count and not field.nullable:
            raise ValueError(f"{field.name} is required, and missing")
    return pa.Table.from_arrays(arrays, schema=schema)


def _identity(observations: Sequence[Observation]) -> Columns:
    return {
        "asset_id": [one.asset_id for one in observations],
        "snapshot_id": [one.snapshot_id for one in observations],
        "asset_type": [one.asset_type for one in observations],
        "gcs_uri": [one.gcs_uri for one in observations],
        "latitude": [one.latitude for one in observations],
        "longitude": [one.longitude for one in observations],
        "capture_time": [one.capture_time for one in observations],
    }


def _provenance(provenances: Sequence[Provenance]) -> Columns:
    return {
        "input_tokens": [one.usage.input_tokens for one in provenances],
        "output_tokens": [one.usage.output_tokens for one in provenances],
        "cost_usd_micros": [one.usage.cost_usd_micros for one in provenances],
        "latency_ms": [one.latency_ms for one in provenances],
        "attempt": [one.attempt for one in provenances],
        "run_id": [one.run_id for one in provenances],
        "worker_id": [one.worker_id for one in provenances],
        "written_at": [one.written_at for one in provenances],
    }


def _classifications(rows: Sequence[ClassificationRow]) -> Columns:
    return {
        "part_key": [row.part_key for row in rows],
        "subject_id": [row.subject_id for row in rows],
        "observation_id": [
            None if row.by_asset else row.observation.observation_id for row in rows
        ],
        **_identity([row.observation for row in rows]),
        "task": [row.part.task for row in rows],
        "fingerprint": [row.part.fingerprint for row in rows],
        "model": [row.part.model for row in rows],
        "answer": [row.answer_json for row in rows],
        "finish_reason": [row.finish_reason for row in rows],
        **_provenance([row.provenance for row in rows]),
    }


def _embeddings(part: EmbeddingPart, rows: Sequence[EmbeddingRow]) -> Columns:
    return {
        "part_key": [row.part_key for row in rows],
        "subject_id": [row.subject_id for row in rows],
        "observation_id": [row.observation.observation_id for row in rows],
        **_identity([row.observation for row in rows]),
        "model": [part.model] * len(rows),
        "dimension": [part.dimension] * len(rows),
        "embedding": _vectors((row.vector for row in rows), len(rows), part.dimension),
        **_provenance([row.provenance for row in rows]),
    }


def _vectors(vectors: Iterable[Sequence[float]], count: int, dimension: int) -> pa.Array:
    """Return the vectors as one Arrow column over one block of floats."""
    block = np.empty((count, dimension), dtype=np.float32)
    with np.errstate(over="ignore"):  # what is too large for four bytes becomes infinite
        for row, vector in enumerate(vectors):
            if len(vector) != dimension:
                raise ValueError(f"{len(vector)} dimensions, not {dimension}")
            block[row] = vector
    if not np.isfinite(block).all():
        raise ValueError("the vector has numbers that are not finite")
    offsets = np.arange(0, (count + 1) * dimension, dimension, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(block.reshape(-1)))


def _dead_letters(rows: Sequence[DeadLetterRow]) -> Columns:
    return {
        "event_id": [row.event_id for row in rows],
        "part_key": [row.part_key for row in rows],
        "message_id": [row.message_id for row in rows],
        "run_id": [row.run_id for row in rows],
        "subject_id": [row.subject_id for row in rows],
        "event": [row.event for row in rows],
        "reason": [row.reason.value for row in rows],
        "detail": [row.detail for row in rows],
        "delivery_attempt": [row.delivery_attempt for row in rows],
        "input_tokens": [row.usage.input_tokens for row in rows],
        "output_tokens": [row.usage.output_tokens for row in rows],
        "cost_usd_micros": [row.usage.cost_usd_micros for row in rows],
        "body": [row.body for row in rows],
        "worker_id": [row.worker_id for row in rows],
        "at": [row.at for row in rows],
    }
