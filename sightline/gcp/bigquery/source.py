"""Reads the observations of a BigQuery table, and opens runs and work lists from them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson

from sightline.errors import BusyError, ConfigurationError, StorageError
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient, Row, Value
from sightline.gcp.bigquery.columns import SourceTable
from sightline.gcp.bigquery.consistency import unknown_runs
from sightline.gcp.bigquery.items import ItemFields, ItemReader, item_of, message_of
from sightline.gcp.bigquery.locks import TableLocks
from sightline.gcp.bigquery.tables import embeddings_tables, put_embeddings
from sightline.gcp.bigquery.work_list import (
    OBSERVATIONS_NEW,
    PreparedRequest,
    embedding_parts,
    preview_of,
)
from sightline.model import ListedMessage, Preview, Run, RunRequest, WorkItem, WorkRange
from sightline.ports.runs import unknown_run
from sightline.records import range_published
from sightline.schema import RUN_EVENTS
from sightline.work_lists import request_json, run_to_completion, unpublished_ranges

ENQUEUE = "enqueue"
"""The lock under which runs are opened."""

# Rows that a killed producer left: no view shows them, and the lock excludes a running producer.
LEFTOVERS = """
SELECT 'run' AS kind FROM {runs} WHERE run_id = @run
UNION DISTINCT
SELECT 'work_items' FROM {work_items} WHERE run_id NOT IN (SELECT run_id FROM {runs})
UNION DISTINCT
SELECT 'observations' FROM {observations} WHERE run_id NOT IN (SELECT run_id FROM {runs})
"""

CLEAR = "DELETE FROM {table} WHERE run_id NOT IN (SELECT run_id FROM {runs})"

LISTED = """
SELECT COUNT(*), COALESCE(SUM(ARRAY_LENGTH(part_keys)), 0) FROM {work_items} WHERE run_id = @run
"""

# Only if the whole list still exists: a producer whose lock expired meanwhile creates no run.
RUN_MADE = """
INSERT INTO {runs} (run_id, request, messages, parts, created_at)
SELECT @run, PARSE_JSON(@request, wide_number_mode => 'round'), @messages, @parts, @now
FROM (SELECT COUNT(*) AS items FROM {work_items} WHERE run_id = @run)
WHERE items = @messages AND NOT EXISTS (SELECT 1 FROM {runs} WHERE run_id = @run)
"""

REQUEST = "SELECT TO_JSON_STRING(request) FROM {runs_once} WHERE run_id = @run"

PLACES = """
SELECT 'size' AS kind, bucket, 0 AS start, COUNT(*) AS stop
FROM {work_items} WHERE run_id = @run GROUP BY bucket
UNION ALL
SELECT 'published', bucket, start, stop FROM {ranges_published} WHERE run_id = @run
"""


class BigQuerySource:
    """The observations of ``table``, and the runs in the client's dataset.

    ``buckets`` and ``range_items`` divide the work lists of new runs; ``owner`` names this process
    to people while it holds a lock.
    """

    def __init__(
        self,
        client: BigQueryClient,
        appender: LedgerAppender,
        table: SourceTable,
        *,
        reader: ItemReader,
        owner: str,
        now: Callable[[], datetime],
        buckets: int = 16,
        range_items: int = 1000,
    ) -> None:
        self._client = client
        self._appender = appender
        self._table = table
        self._reader = reader
        self._buckets = buckets
        self._range_items = range_items
        self._names = client.place.names()
        self._locks = TableLocks(client, owner, now)

    async def preview(self, request: RunRequest) -> Preview:
        """Count what a run of this request would do, without writing.

        ``observations`` and ``by_asset_type`` count the filter's matches without its limit.

        Raises:
            ConfigurationError: the filter is invalid, or the table lacks mapped columns.
            TransientError, NotFoundError: see ``sightline.gcp.failures``.
        """
        self._prepared(request, ())  # an invalid request is refused before any query
        await self._check_table()
        counts = self._prepared(request, await embeddings_tables(self._client)).counts()
        return preview_of(await self._client.rows(counts.sql, run_id="", **counts.values))

    async def open_run(self, request: RunRequest, *, run_id: str, now: datetime) -> Run:
        """Write the run's observations, its work list and, last, its own row.

        The run exists once its row does: if the process is killed before, no view shows the run,
        and the next ``open_run`` removes its rows. Producers take turns with a lock, so that each
        sees the parts that the previous one listed as held.

        Raises:
            ConfigurationError: the filter is invalid, the table lacks mapped columns, or the run
                exists already.
            BusyError: other producers held the lock for too long.
            TransientError, NotFoundError: see ``sightline.gcp.failures``.
        """
        self._prepared(request, ())  # an invalid request is refused before waiting for the lock
        await self._check_table()
        async with self._locks.in_turn(ENQUEUE, "opening runs"):
            return await run_to_completion(self._open(request, run_id, now))

    async def _open(self, request: RunRequest, run_id: str, now: datetime) -> Run:
        await self._clear_leftovers(run_id)
        await put_embeddings(self._client, embedding_parts(request))
        prepared = self._prepared(request, await embeddings_tables(self._client))
        insert = prepared.write(run_id, self._buckets)
        await self._client.execute(insert.sql, run_id=run_id, **insert.values)
        ((messages, parts),) = await self._rows(LISTED, run=run_id)
        text = request_json(request, buckets=self._buckets, range_items=self._range_items)
        if not messages:
            return Run(run_id, now, "published", 0, 0, text)
        await self._execute(OBSERVATIONS_NEW, run=run_id, now=now)
        await self._execute(
            RUN_MADE, run=run_id, request=text, messages=messages, parts=parts, now=now
        )
        if not await self._rows(REQUEST, run=run_id):
            raise BusyError(
                f"run {run_id} was not opened: another producer removed its rows after this"
                " process lost its lock; enqueue again"
            )
        return Run(run_id, now, "open", messages, parts, text)

    async def _clear_leftovers(self, run_id: str) -> None:
        """Remove the rows of killed producers, while the lock prevents others from opening runs."""
        leftovers = {kind for (kind,) in await self._rows(LEFTOVERS, run=run_id)}
        if "run" in leftovers:
            raise ConfigurationError(f"run {run_id} already exists; resume it, or omit its id")
        if leftovers:
            # If other ledgers mention the run, its row was lost: it must not be removed.
            for fault in await unknown_runs(self._client):
                raise StorageError(fault)
        for table in sorted(leftovers):
            await self._execute(CLEAR.replace("{table}", self._names[table]))

    async def unpublished(self, run_id: str) -> Sequence[WorkRange]:
        """Return the ranges of a run's list that are not recorded as published, in order.

        They are divided by the settings with which the run was opened, so that each range keeps
        its name.

        Raises:
            NotFoundError: the run does not exist.
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        request, rows = await asyncio.gather(
            self._request_of(run_id), self._rows(PLACES, run=run_id)
        )
        sizes = [(bucket, stop) for kind, bucket, _, stop in rows if kind == "size"]
        published = [place for kind, *place in rows if kind == "published"]
        return unpublished_ranges(run_id, sizes, map(tuple, published), request["range_items"])

    async def items(self, work_range: WorkRange) -> Sequence[WorkItem]:
        """Return the items of a range, in order.

        Raises:
            NotFoundError: the run does not exist.
            StorageError: the work list lacks some of them.
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        return [item_of(row) for row in await self._read(work_range)]

    async def messages(self, work_range: WorkRange) -> Sequence[ListedMessage]:
        """Return the messages of a range, in order; raises as ``items`` does."""
        return [message_of(row) for row in await self._read(work_range)]

    async def _read(self, work_range: WorkRange) -> list[ItemFields]:
        rows = await self._reader.read(work_range)
        row_count = work_range.stop - work_range.start
        if len(rows) != row_count:
            await self._request_of(work_range.run_id)
            raise StorageError(
                f"the work list of run {work_range.run_id} has {len(rows)} of the {row_count} items"
                f" of {work_range.key}; cancel the run, and enqueue again"
            )
        return rows

    async def mark_published(self, work_range: WorkRange, *, now: datetime) -> None:
        """Record that a range is published; the last one makes the run's state ``published``.

        Raises:
            TransientError, ConfigurationError: see ``LedgerAppender.append``.
        """
        await self._appender.append(RUN_EVENTS, [range_published(work_range, now)])

    @asynccontextmanager
    async def claim(self, run_id: str) -> AsyncIterator[None]:
        """Lock a run for publishing, so that one producer publishes it at a time.

        Raises:
            BusyError: another producer holds the lock, or took it because this one could not renew
                it; publishing is then interrupted.
            NotFoundError: the run does not exist.
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        await self._request_of(run_id)
        async with self._locks.at_once(f"run {run_id}", f"run {run_id}"):
            yield

    async def locations(self, observation_ids: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002 - see below
        """Return none: an image in a bucket stays where it is, and a look would be billed."""
        return {}

    async def published_now(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these runs a producer is publishing; takes no lock.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        held = await self._locks.held([f"run {run_id}" for run_id in run_ids]) if run_ids else ()
        return frozenset(run_id for run_id in run_ids if f"run {run_id}" in held)

    async def _request_of(self, run_id: str) -> dict[str, Any]:
        rows = await self._rows(REQUEST, run=run_id)
        if not rows:
            raise unknown_run(run_id)
        request: dict[str, Any] = orjson.loads(rows[0][0])
        return request

    def _prepared(self, request: RunRequest, tables: Sequence[str]) -> PreparedRequest:
        return PreparedRequest.of(self._client.place, self._table, request, tables)

    async def _check_table(self) -> None:
        name = self._table.full_name
        self._table.check(
            await self._client.use(
                lambda library: library.get_table(name, **self._client.request_options()).schema
            )
        )

    async def _rows(self, statement: str, **values: Value) -> list[Row]:
        return await self._client.rows(statement.format_map(self._names), run_id="", **values)

    async def _execute(self, statement: str, **values: Value) -> None:
        await self._client.execute(statement.format_map(self._names), run_id="", **values)
