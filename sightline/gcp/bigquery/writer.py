"""Appends results to the ledgers of their kinds, to several ledgers concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

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
from sightline.ports import ResultRow
from sightline.records import Columns, columns_of, ledger_of
from sightline.schema import Ledger


class BigQueryWriter:
    """Implements ``ResultWriter`` on the dataset's ledgers; several processes may write."""

    def __init__(self, appender: LedgerAppender, client: BigQueryClient) -> None:
        self._appender = appender
        self._client = client

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Append rows; they are durable when the call returns. Safe to repeat.

        Views show one row for each key. The rows of all ledgers are attempted, so some may be
        written when this raises.

        Raises:
            TransientError: BigQuery cannot be reached.
            ConfigurationError: a table is missing, may not be written, or differs from its ledger.
            UnwritableRowsError: some rows cannot be stored; all others are durable.
        """
        by_ledger: dict[str, tuple[Ledger, dict[int, Columns]]] = {}
        unwritable: dict[int, str] = {}
        for place, row in enumerate(rows):
            try:
                ledger, columns = ledger_of(row), columns_of(row)
            except Exception as error:  # noqa: BLE001 - any error concerns this row alone
                unwritable[place] = f"{type(error).__name__}: {one_line(str(error))}"
                continue
            by_ledger.setdefault(ledger.name, (ledger, {}))[1][place] = columns
        outcomes = await asyncio.gather(
            *(self._append(ledger, columns) for ledger, columns in by_ledger.values()),
            return_exceptions=True,
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:  # a failure that a retry cannot fix comes first
            raise min(failures, key=lambda failure: isinstance(failure, TransientError))
        for outcome in outcomes:
            if not isinstance(outcome, BaseException):
                unwritable.update(outcome)
        if unwritable:
            raise UnwritableRowsError(dict(sorted(unwritable.items())))

    async def _append(self, ledger: Ledger, rows: Mapping[int, Columns]) -> Mapping[int, str]:
        """Append rows, given by position; return the positions that cannot be stored, and why."""
        try:
            await self._appender.append(ledger, list(rows.values()))
        except UnwritableRowsError as error:
            await self._check_columns(ledger, error)  # the table may be wrong, not the rows
            places = list(rows)
            return {places[number]: why for number, why in error.details.items()}
        except ConfigurationError as error:
            await self._check_columns(ledger, error)
            raise
        return {}

    async def _check_columns(self, ledger: Ledger, error: SightlineError) -> None:
        """Check whether the cause of an error is a table that differs from its ledger.

        Raises:
            ConfigurationError: it differs; the message names the columns.
        """
        if wrong := await self._wrong_columns(ledger):
            raise ConfigurationError(
                f"the table {ledger.name} does not match: {'; '.join(wrong)}; run `sightline setup`"
            ) from error

    async def _wrong_columns(self, ledger: Ledger) -> list[str]:
        """Return the columns that differ; none if the table cannot be read."""
        try:
            return await wrong_columns(self._client, ledger)
        except (NotFoundError, ConfigurationError, TransientError):
            return []
