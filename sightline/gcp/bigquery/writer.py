"""Appends results: each row goes to the ledger of its kind, those of several ledgers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sightline.errors import (
    ConfigurationError,
    NotFoundError,
    SightlineError,
    TransientError,
    UnwritableRowsError,
)
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.tables import wrong_columns
from sightline.http_client.redaction import one_line
from sightline.model import EmbeddingPart, Observation
from sightline.ports import (
    ClassificationRow,
    DeadLetterRow,
    EmbeddingRow,
    Provenance,
    ResultRow,
)
from sightline.schema import CLASSIFICATIONS, DEAD_LETTERS, Ledger, embeddings_ledger

Columns = dict[str, Any]


class BigQueryWriter:
    """``ResultWriter`` over the dataset's ledgers; many processes may write at once."""

    def __init__(self, appender: LedgerAppender, client: BigQueryClient) -> None:
        self._appender = appender
        self._client = client
        self._embeddings: dict[EmbeddingPart, Ledger] = {}

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Append rows; durable when it returns. Safe to repeat (views show one row a key).

        The rows of all ledgers are tried: some may be written when it raises.

        Raises:
            TransientError: the store is out of reach for now.
            ConfigurationError: a table is missing, closed to us, or other than its ledger.
            UnwritableRowsError: some rows cannot be stored; all others are durable.
        """
        by_ledger: dict[str, tuple[Ledger, dict[int, Columns]]] = {}
        unwritable: dict[int, str] = {}
        for place, row in enumerate(rows):
            try:
                ledger, columns = self._ledger_of(row), columns_of(row)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is of this row
                unwritable[place] = f"{type(error).__name__}: {one_line(str(error))}"
                continue
            by_ledger.setdefault(ledger.name, (ledger, {}))[1][place] = columns
        outcomes = await asyncio.gather(
            *(self._append(ledger, some) for ledger, some in by_ledger.values()),
            return_exceptions=True,
        )
        failed = [one for one in outcomes if isinstance(one, BaseException)]
        if failed:  # what trying again does not mend is told first
            raise min(failed, key=lambda one: isinstance(one, TransientError))
        for one in outcomes:
            if not isinstance(one, BaseException):
                unwritable.update(one)
        if unwritable:
            raise UnwritableRowsError(dict(sorted(unwritable.items())))

    def _ledger_of(self, row: ResultRow) -> Ledger:
        if isinstance(row, ClassificationRow):
            return CLASSIFICATIONS
        if isinstance(row, DeadLetterRow):
            return DEAD_LETTERS
        part = row.part
        if part not in self._embeddings:
            self._embeddings[part] = embeddings_ledger(part.model, part.dimension)
        return self._embeddings[part]

    async def _append(self, ledger: Ledger, rows: Mapping[int, Columns]) -> Mapping[int, str]:
        """Append rows, by their places; return which cannot be stored, and why."""
        try:
            await self._appender.append(ledger, list(rows.values()))
        except UnwritableRowsError as error:
            await self._check_columns(ledger, error)  # rows are not to blame for a wrong table
            places = list(rows)
            return {places[number]: why for number, why in error.details.items()}
        except ConfigurationError as error:
            await self._check_columns(ledger, error)
            raise
        return {}

    async def _check_columns(self, ledger: Ledger, error: SightlineError) -> None:
        """Say so where an error comes of a table that is other than its ledger.

        Raises:
            ConfigurationError: naming the columns.
        """
        if wrong := await self._wrong_columns(ledger):
            raise ConfigurationError(
                f"the table {ledger.name} does not fit: {'; '.join(wrong)}; run `sightline setup`"
            ) from error

    async def _wrong_columns(self, ledger: Ledger) -> list[str]:
        """Return which columns are to blame, if any, and if that can be told."""
        try:
            return await wrong_columns(self._client, ledger)
        except (NotFoundError, ConfigurationError, TransientError):
            return []


def columns_of(row: ResultRow) -> Columns:
    """Return the columns of a row of a ledger, by name."""
    if isinstance(row, ClassificationRow):
        return _classification(row)
    return _embedding(row) if isinstance(row, EmbeddingRow) else _dead_letter(row)


def _classification(row: ClassificationRow) -> Columns:
    return {
        "part_key": row.part_key,
        "subject_id": row.subject_id,
        "observation_id": None if row.by_asset else row.observation.observation_id,
        **_identity(row.observation),
        "task": row.part.task,
        "fingerprint": row.part.fingerprint,
        "model": row.part.model,
        "answer": row.answer_json,
        "finish_reason": row.finish_reason,
        **_provenance(row.provenance),
    }


def _embedding(row: EmbeddingRow) -> Columns:
    if len(row.vector) != row.part.dimension:
        raise ValueError(f"{len(row.vector)} dimensions, not {row.part.dimension}")
    return {
        "part_key": row.part_key,
        "subject_id": row.subject_id,
        "observation_id": row.observation.observation_id,
        **_identity(row.observation),
        "model": row.part.model,
        "dimension": row.part.dimension,
        "embedding": row.vector,
        **_provenance(row.provenance),
    }


def _identity(one: Observation) -> Columns:
    return {
        "asset_id": one.asset_id,
        "snapshot_id": one.snapshot_id,
        "asset_type": one.asset_type,
        "gcs_uri": one.gcs_uri,
        "latitude": one.latitude,
        "longitude": one.longitude,
        "capture_time": one.capture_time,
    }


def _provenance(one: Provenance) -> Columns:
    return {
        "input_tokens": one.usage.input_tokens,
        "output_tokens": one.usage.output_tokens,
        "cost_usd_micros": one.usage.cost_usd_micros,
        "latency_ms": one.latency_ms,
        "attempt": one.attempt,
        "run_id": one.run_id,
        "worker_id": one.worker_id,
        "written_at": one.written_at,
    }


def _dead_letter(row: DeadLetterRow) -> Columns:
    return {
        "event_id": row.event_id,
        "part_key": row.part_key,
        "message_id": row.message_id,
        "run_id": row.run_id,
        "subject_id": row.subject_id,
        "event": row.event,
        "reason": row.reason.value,
        "detail": row.detail,
        "delivery_attempt": row.delivery_attempt,
        "input_tokens": row.usage.input_tokens,
        "output_tokens": row.usage.output_tokens,
        "cost_usd_micros": row.usage.cost_usd_micros,
        "body": row.body,
        "worker_id": row.worker_id,
        "at": row.at,
    }
