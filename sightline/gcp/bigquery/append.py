"""Appends rows to ledgers with the Storage Write API, over one reused connection for each table.

The default stream appends rows at least once, which is sufficient: the ledgers' views show one row
for each key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from sightline.errors import ConfigurationError, TransientError, UnwritableRowsError
from sightline.gcp.bigquery.append_connection import AppendConnection
from sightline.gcp.bigquery.append_refusals import refusal, rows_to_blame
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.rows import Chunk, Row, RowFormat
from sightline.gcp.bigquery.stream_schema import differences
from sightline.gcp.failures import BIGQUERY_APPEND
from sightline.gcp.retry import RetryRule
from sightline.gcp.translation import needed_for
from sightline.schema import Ledger

if TYPE_CHECKING:
    from google.cloud.bigquery_storage_v1.services.big_query_write import BigQueryWriteAsyncClient

RefusedRows = dict[int, str]
"""The reasons for which the service refuses rows, by their numbers in the request."""

_SCOPES = ["https://www.googleapis.com/auth/bigquery.insertdata"]
_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
)


@dataclass(frozen=True, slots=True)
class AppendRule:
    """How rows are appended: up to ``in_flight`` requests a table, each within ``timeout_s``.

    Up to ``appends`` calls of ``append`` run at the same time; the emulator stalls at more than 1.
    """

    in_flight: int = 4
    appends: int = 64
    timeout_s: float = 60.0
    retry: RetryRule = field(default_factory=RetryRule)


class LedgerAppender:
    """Appends rows to several ledgers concurrently; created by ``open``."""

    def __init__(
        self, client: BigQueryWriteAsyncClient, place: BigQueryPlace, rule: AppendRule
    ) -> None:
        self._client = client
        self._place = place
        self._rule = rule
        self._streams: dict[str, TableStream] = {}
        self._appending = asyncio.Semaphore(rule.appends)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, place: BigQueryPlace, credentials: Any = None, *, rule: AppendRule | None = None
    ) -> AsyncIterator[Self]:
        """Open an appender, without checking any table. ``credentials`` are as for the client.

        Raises:
            ConfigurationError: the library is not installed, or there are no credentials.
        """
        with BIGQUERY_APPEND.translated(f"{place.project}.{place.dataset}"):
            transport = await _transport(place, credentials)
        appender = cls(_client(transport), place, rule or AppendRule())
        try:
            yield appender
        finally:
            try:
                await asyncio.gather(*(stream.close() for stream in appender._streams.values()))
            finally:
                await transport.close()

    async def append(self, ledger: Ledger, rows: Sequence[Row]) -> None:
        """Append rows; they are durable and visible to queries when the call returns.

        Waits while the allowed number of requests to this table is in flight. If cancelled or
        failed, some rows may have been written, always the first ones.

        Raises:
            TransientError: every attempt failed.
            ConfigurationError: the table is missing, may not be written, or differs from the
                ledger.
            UnwritableRowsError: some rows cannot be encoded, or the service refuses them
                individually; all others are durable.
        """
        if not rows:
            return
        stream = self._streams.get(ledger.name)
        if stream is None:
            stream = TableStream(self._client, self._place, ledger, self._rule)
            self._streams[ledger.name] = stream
        async with self._appending:
            await stream.append(rows)


class TableStream:
    """The default stream of one table, over one connection that is reopened if it breaks."""

    def __init__(
        self,
        client: BigQueryWriteAsyncClient,
        place: BigQueryPlace,
        ledger: Ledger,
        rule: AppendRule,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._table = f"{place.project}.{place.dataset}.{ledger.name}"
        self._name = f"{place.table_path(ledger.name)}/streams/_default"
        self._rule = rule
        self._format = RowFormat(ledger)
        self._in_flight = asyncio.Semaphore(rule.in_flight)
        self._connecting = asyncio.Lock()
        self._connection: AppendConnection | None = None
        self._known = False

    async def append(self, rows: Sequence[Row]) -> None:
        """Append rows, request by request; see ``LedgerAppender.append``."""
        unwritable: dict[int, str] = {}
        chunks = self._format.requests(rows)
        while True:
            async with self._in_flight:
                chunk = next(chunks, None)  # encoded only now, to save memory while waiting
                if chunk is None:
                    break
                await self._deliver(chunk)
                unwritable.update(chunk.unwritable)
        if unwritable:
            raise UnwritableRowsError(unwritable)

    async def _deliver(self, chunk: Chunk) -> None:
        """Send a chunk. If the service refuses single rows, it appends none: send the others."""
        while chunk.rows:
            request = _request(self._name, list(chunk.rows.values()))
            refused: RefusedRows = {}
            await self._rule.retry.run(lambda: self._send(request, refused))  # noqa: B023 - called in this iteration
            if not refused:
                return
            chunk.refuse(refused)

    async def close(self) -> None:
        """Close the connection after the requests in flight are answered."""
        async with self._connecting:
            if self._connection is not None:
                await self._connection.close()

    async def _send(self, request: Any, refused_rows: RefusedRows) -> None:
        """Send a request; adds individually refused rows to ``refused_rows``."""
        with BIGQUERY_APPEND.translated(self._table):
            connection = await self._connected()
            try:
                async with asyncio.timeout(self._rule.timeout_s):
                    response = await connection.send(request)
            except TimeoutError:
                await connection.abort()  # its other requests are sent again, too
                raise TransientError(
                    f"{self._table}: no answer in {self._rule.timeout_s:g} s; try again in a moment"
                ) from None
            refused = refusal(response)
            if refused is None:
                return
            row_count = len(request.proto_rows.rows.serialized_rows)
            refused_rows.update(rows_to_blame(response, row_count))
            if not refused_rows:
                raise refused

    async def _connected(self) -> AppendConnection:
        async with self._connecting:
            if self._connection is None or self._connection.over:
                await self._get_stream()
                if self._connection is not None:
                    await self._connection.abort()
                self._connection = AppendConnection(
                    await self._client.append_rows(
                        retry=None, timeout=None, metadata=_routing(self._name)
                    ),
                    self._prepare,
                )
            return self._connection

    def _prepare(self, request: Any) -> None:
        """Set the fields that only the first request of a connection needs."""
        request.trace_id = "sightline"
        request.proto_rows.writer_schema.proto_descriptor.CopyFrom(self._format.descriptor)

    async def _get_stream(self) -> None:
        """Request the stream once, to check that the table exists and matches the ledger.

        An emulator creates the default stream on this request.

        Raises:
            ConfigurationError: the table does not match; the message names the columns.
        """
        if self._known:
            return
        from google.cloud.bigquery_storage_v1.types import GetWriteStreamRequest, WriteStreamView

        request = GetWriteStreamRequest(name=self._name, view=WriteStreamView.FULL)
        stream = await self._client.get_write_stream(
            request, retry=None, timeout=self._rule.timeout_s
        )
        wrong = differences(self._ledger, stream.table_schema.fields)
        if wrong:
            raise ConfigurationError(
                f"{self._table} differs from what this version writes: {'; '.join(wrong)};"
                " run `sightline setup`"
            )
        self._known = True


def _request(stream: str, rows: Sequence[bytes]) -> Any:
    """Return a request. Each one names the stream, since an emulator would guess it otherwise."""
    from google.cloud.bigquery_storage_v1.types import AppendRowsRequest

    request = AppendRowsRequest.pb(AppendRowsRequest(write_stream=stream))
    request.proto_rows.rows.serialized_rows.extend(rows)
    return request


def _routing(stream: str) -> tuple[tuple[str, str], ...]:
    """Return the header that routes a request to its region; the library sends it empty."""
    return (("x-goog-request-params", f"write_stream={stream}"),)


async def _transport(place: BigQueryPlace, credentials: Any) -> Any:
    """Return a transport, which owns its channel."""
    with needed_for("BigQuery"):
        from google.cloud.bigquery_storage_v1.services.big_query_write import (  # 1.2 s
            transports,
        )
    make = transports.BigQueryWriteGrpcAsyncIOTransport
    if place.storage_endpoint is not None:
        import grpc.aio

        channel = grpc.aio.insecure_channel(place.storage_endpoint, options=_CHANNEL_OPTIONS)
        return make(channel=channel)
    if credentials is None:
        credentials = await asyncio.to_thread(_default_credentials)
    return make(credentials=credentials)


def _default_credentials() -> Any:
    import google.auth

    return google.auth.default(scopes=_SCOPES)[0]


def _client(transport: Any) -> BigQueryWriteAsyncClient:
    from google.cloud.bigquery_storage_v1.services.big_query_write import BigQueryWriteAsyncClient

    return BigQueryWriteAsyncClient(transport=transport)
