"""Reads ranges of a work list with the Storage Read API, without the price of a query."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from sightline.gcp.bigquery.literals import quoted
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.failures import BIGQUERY
from sightline.gcp.translation import needed_for
from sightline.model import ListedMessage, WorkItem, WorkRange
from sightline.schema import WORK_ITEMS
from sightline.work_lists import listed_message, work_item

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient

_FIELDS = ("run_id", "bucket", "seq", "subject_id", "asset_type", "observations", "parts")

ItemFields = Mapping[str, Any]
"""A row of ``work_items``: the values of ``_FIELDS``, with JSON as text."""


class ItemReader:
    """Reads work lists of one dataset through one connection; created by ``open``."""

    def __init__(self, client: BigQueryReadClient, place: BigQueryPlace) -> None:
        self._client = client
        self._place = place

    @classmethod
    @asynccontextmanager
    async def open(cls, place: BigQueryPlace, credentials: Any = None) -> AsyncIterator[Self]:
        """Open a connection; ``credentials`` are as for ``BigQueryClient``.

        Raises:
            ConfigurationError: the library is not installed, or there are no credentials.
        """
        with BIGQUERY.translated("BigQuery"):
            client = await asyncio.to_thread(_library_client, place, credentials)
        try:
            yield cls(client, place)
        finally:
            client.transport.close()  # type: ignore[no-untyped-call]  # untyped there

    async def read(self, work_range: WorkRange) -> list[ItemFields]:
        """Return the existing rows of a range, in order; fewer than its length if some are missing.

        The library resumes a broken stream where it broke.

        Raises:
            TransientError, NotFoundError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        table = self._place.table_path(WORK_ITEMS.name)
        with BIGQUERY.translated(table):
            return await asyncio.to_thread(self._read, table, work_range)

    def _read(self, table: str, work_range: WorkRange) -> list[ItemFields]:
        from google.cloud.bigquery_storage_v1 import types

        session_request = types.ReadSession(
            table=table,
            data_format=types.DataFormat.ARROW,
            read_options=types.ReadSession.TableReadOptions(
                selected_fields=_FIELDS, row_restriction=_restriction(work_range)
            ),
        )
        session = self._client.create_read_session(
            parent=f"projects/{self._place.project}",
            read_session=session_request,
            max_stream_count=1,
        )
        rows_by_seq: dict[int, ItemFields] = {}
        for stream in session.streams:
            rows = self._client.read_rows(stream.name)  # type: ignore[no-untyped-call]  # as above
            for response in rows:
                batch = _batch(
                    response.arrow_record_batch.serialized_record_batch,
                    session.arrow_schema.serialized_schema,
                )
                rows_by_seq.update(_rows_in(batch, work_range))
        return [rows_by_seq[seq] for seq in sorted(rows_by_seq)]


def _restriction(work_range: WorkRange) -> str:
    return (
        f"run_id = {quoted(work_range.run_id)} AND bucket = {work_range.bucket:d}"
        f" AND seq >= {work_range.start:d} AND seq < {work_range.stop:d}"
    )


def _batch(serialized: bytes, schema: bytes) -> pa.Table:
    """Return a record batch, sent alone by Google or after its schema by the emulator."""
    import pyarrow as pa

    message = pa.ipc.read_message(serialized)
    if message.type == "schema":
        return pa.ipc.open_stream(serialized).read_all()
    batch = pa.ipc.read_record_batch(message, pa.ipc.read_schema(pa.py_buffer(schema)))
    return pa.Table.from_batches([batch])


def _rows_in(batch: pa.Table, work_range: WorkRange) -> dict[int, ItemFields]:
    """Return the rows of a batch that are in the range, by their number."""
    return {
        row["seq"]: row
        for row in batch.to_pylist()
        if row["run_id"] == work_range.run_id
        and row["bucket"] == work_range.bucket
        and work_range.start <= row["seq"] < work_range.stop
    }


def item_of(row: ItemFields) -> WorkItem:
    """Return the item in a row."""
    columns = ("bucket", "seq", "subject_id", "observations", "parts")
    bucket, seq, subject_id, observations, parts = (row[name] for name in columns)
    return work_item(row["run_id"], (bucket, seq, subject_id, observations, parts))


def message_of(row: ItemFields) -> ListedMessage:
    """Return the message in a row."""
    columns = ("subject_id", "asset_type", "observations", "parts")
    subject_id, asset_type, observations, parts = (row[name] for name in columns)
    return listed_message(row["run_id"], (subject_id, asset_type, observations, parts))


def _library_client(place: BigQueryPlace, credentials: Any) -> BigQueryReadClient:
    with needed_for("BigQuery"):
        from google.cloud.bigquery_storage_v1 import BigQueryReadClient  # 1.2 s
        from google.cloud.bigquery_storage_v1.services.big_query_read import transports
    if place.storage_endpoint is None:
        return BigQueryReadClient(credentials=credentials)  # type: ignore[no-untyped-call]  # as above
    import grpc

    channel = grpc.insecure_channel(place.storage_endpoint)
    transport = transports.BigQueryReadGrpcTransport(channel=channel)
    return BigQueryReadClient(transport=transport)  # type: ignore[no-untyped-call]  # as above
