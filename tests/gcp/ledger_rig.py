"""A dataset's ledgers with their adapters, and work lists that tests write themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.dead_letters import BigQueryDeadLetters
from sightline.gcp.bigquery.ledgers import BigQueryLedgers
from sightline.gcp.bigquery.rows import Row
from sightline.gcp.bigquery.runs import BigQueryRuns
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.model import Part, WorkItem
from sightline.schema import RUN_EVENTS, RUNS, WORK_ITEMS, Ledger
from sightline.wire import encode
from tests.contracts.warehouse_rig import EMBEDDING, NOW, observation
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.warehouse_rig import open_dataset


@dataclass
class Clock:
    """A clock that only the test moves."""

    time_s: float = 0.0

    def __call__(self) -> float:
        return self.time_s


@dataclass(frozen=True, slots=True)
class Books:
    """The ledgers of a dataset, with their readers and writers."""

    client: BigQueryClient
    appender: LedgerAppender
    writer: BigQueryWriter
    ledgers: BigQueryLedgers
    runs: BigQueryRuns
    dead_letters: BigQueryDeadLetters
    clock: Clock

    async def open(
        self, count: int, parts: Sequence[Part], run_id: str = "run-1", *, at: datetime = NOW
    ) -> list[WorkItem]:
        """Write a run with a work list in two buckets."""
        items = [
            WorkItem(run_id, n % 2, n // 2, f"obs-{n:03d}", (observation(n),), tuple(parts))
            for n in range(count)
        ]
        await self.appender.append(WORK_ITEMS, [_row(item) for item in items])
        row = {
            "run_id": run_id, "request": '{"command":"sightline enqueue"}', "messages": count,
            "parts": count * len(parts), "created_at": at,
        }  # fmt: skip
        await self.appender.append(RUNS, [row])
        return items

    async def publish(self, run_id: str, bucket: int, start: int, stop: int) -> None:
        """Record that a range was published."""
        row = {
            "run_id": run_id, "event": "range_published", "bucket": bucket,
            "start": start, "stop": stop, "at": NOW,
        }  # fmt: skip
        await self.appender.append(RUN_EVENTS, [row])

    async def rows(self, table: str, columns: str = "*") -> list[tuple[object, ...]]:
        """Return these columns of a table or view, ordered by the first."""
        name = self.client.place.table(table)
        return await self.client.rows(f"SELECT {columns} FROM {name} ORDER BY 1")


def _row(item: WorkItem) -> dict[str, object]:
    message = orjson.loads(encode(item))
    return {
        "run_id": item.run_id,
        "bucket": item.bucket,
        "seq": item.seq,
        "subject_id": item.subject_id,
        "asset_type": item.observations[0].asset_type,
        "observations": orjson.dumps(message["observations"]).decode(),
        "parts": orjson.dumps(message["parts"]).decode(),
        "part_keys": [part.key(item.subject_id) for part in item.parts],
    }


class OneAtATime(LedgerAppender):
    """An appender for the emulator, where concurrent appends to two tables may block each other."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._turn = asyncio.Lock()

    async def append(self, ledger: Ledger, rows: Sequence[Row]) -> None:
        """Append rows after all others."""
        async with self._turn:
            await super().append(ledger, rows)


@asynccontextmanager
async def open_books(emulator: BigQueryEmulator) -> AsyncIterator[Books]:
    """Open new, empty ledgers."""
    clock = Clock()
    async with (
        open_dataset(emulator, [EMBEDDING]) as client,
        OneAtATime.open(client.place) as appender,
    ):
        writer = BigQueryWriter(appender, client)
        yield Books(
            client,
            appender,
            writer,
            BigQueryLedgers(client, monotonic=clock),
            BigQueryRuns(client, appender),
            BigQueryDeadLetters(client, writer),
            clock,
        )
