"""Appends results: each row goes to the ledger of its kind, those of several ledgers at once."""

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
    """``ResultWriter`` over the dataset's ledgers; many processes may write at once."""

    def __init__(self, appender: LedgerAppender, client: BigQueryClient) -> None:
        self._appender = appender
        self._client = client

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
                ledger, columns = ledger_of(row), columns_of(row)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is of this row
                unwritable[place] = f"{type(error).__name__}: {one_line(str(error))}"
                continue
            by_ledger.setdefault(ledger.name, (ledger, {}))[1][place] = columns
        outcomes = await asyncio.gather(
            *(self._append(ledger, columns) for ledger, columns in by_ledger.values()),
            return_exceptions=True,
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:  # what trying again does not mend is told first
            raise min(failures, key=lambda failure: isinstance(failure, TransientError))
        for outcome in outcomes:
            if not isinstance(outcome, BaseException):
                unwritable.update(outcome)
        if unwritable:
            raise UnwritableRowsError(dict(sorted(unwritable.items())))

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
