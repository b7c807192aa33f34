"""Compaction on the BigQuery emulator deletes duplicates and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from google.api_core.exceptions import BadRequest

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.bigquery.compaction import CLOSED_AFTER, compact
from sightline.gcp.failures import BIGQUERY
from sightline.ports import Compacted, ResultRow
from sightline.schema import RUNS
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    answer_part,
    answer_row,
    dead_row,
    embedding_row,
    provenance,
    task,
    unit,
)
from tests.gcp.ledger_rig import Books, open_books
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")
TASK = answer_part(task())
TOMORROW = NOW + timedelta(days=1)
MINUTE = timedelta(minutes=1)
MIDNIGHT = NOW.replace(hour=0) + timedelta(days=1)
VECTORS = "embeddings_demo_1_4"
EMULATOR_TRIES = 500
MOST_APPENDED = 200
"""The emulator gives a statement up where BigQuery would take an append in beside it."""


@pytest.fixture
async def books(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[Books]:
    async with open_books(bigquery_with_ledgers) as books:
        yield books


def dropped(reports: list[Compacted]) -> dict[str, tuple[int, int, int]]:
    """Return partitions, rows left and rows dropped of the ledgers in which something was done."""
    return {
        report.ledger: (report.partitions, report.rows, report.duplicates)
        for report in reports
        if report.partitions
    }


async def compacted(books: Books, **how: object) -> dict[str, tuple[int, int, int]]:
    """Compact as if it were the next day; return the result."""
    return dropped(list(await compact(books.client, **{"now": TOMORROW, **how})))  # type: ignore[arg-type]  # its own


async def content(books: Books, table: str) -> list[str]:
    """Return a table's rows, each as a text, all values in it, in a stable order."""
    columns = "TO_HEX(MD5(FORMAT('%T', ledger))) AS row_text"
    name = books.client.place.table(table)
    rows = await books.client.rows(f"SELECT {columns} FROM {name} AS ledger ORDER BY 1")
    return [text for (text,) in rows]


async def test_only_duplicates_are_deleted_and_repeating_does_nothing(books: Books) -> None:
    first, second, third = await books.open(3, [TASK, EMBEDDING])
    single: list[ResultRow] = [answer_row(second, TASK), embedding_row(third, unit(0.3))]
    double: list[ResultRow] = [
        answer_row(first, TASK), embedding_row(first, unit(0.2)), dead_row(second, TASK),
    ]  # fmt: skip
    await books.writer.write([*single, *double])
    tables = ("classifications", VECTORS, "dead_letters", "runs", "run_events", "work_items")
    before = {table: await content(books, table) for table in tables}
    views = {view: await content(books, view) for view in ("classifications_all", "embeddings")}
    await books.writer.write([*double, *double])
    assert len(await books.rows("classifications")) == 4
    report = await compacted(books)
    assert report == {"classifications": (1, 2, 2), "dead_letters": (1, 1, 2), VECTORS: (1, 2, 2)}
    assert {table: await content(books, table) for table in tables} == before
    assert {view: await content(books, view) for view in views} == views
    assert await compacted(books) == {}


@pytest.mark.extended
async def test_a_run_recorded_twice_becomes_one(books: Books) -> None:
    await books.open(1, [TASK])
    row = {"run_id": "run-1", "request": "{}", "messages": 1, "parts": 1, "created_at": NOW}
    await books.appender.append(RUNS, [{**row, "created_at": NOW + timedelta(seconds=1)}])
    assert await compacted(books) == {"runs": (1, 1, 1)}
    assert await books.rows("runs", "run_id, created_at") == [("run-1", NOW)]


@pytest.mark.extended
async def test_the_row_that_the_view_shows_remains_with_the_cost_of_all(
    books: Books,
) -> None:
    (item,) = await books.open(1, [TASK])
    row = answer_row(item, TASK, answer='{"kind":"stop"}')
    later = NOW + timedelta(seconds=5)
    again = replace(
        row,
        answer_json='{"kind":"yield"}',
        provenance=replace(provenance(at=later), worker_id="worker-0", attempt=2),
    )
    await books.writer.write([again, row, row, again])
    before = await books.runs.cost("run-1")
    rows = await books.rows("classifications_all", "JSON_VALUE(answer, '$.kind'), worker_id")
    assert await compacted(books) == {"classifications": (1, 1, 3)}
    left = "JSON_VALUE(answer, '$.kind'), worker_id"
    assert await books.rows("classifications", left) == rows == [("stop", "worker-1")]
    assert await books.runs.cost("run-1") == before
    assert before.cost_usd_micros == 14


@pytest.mark.extended
async def test_only_closed_days_are_touched(books: Books) -> None:
    (item,) = await books.open(1, [TASK])
    today, yesterday = answer_row(item, TASK), answer_row(item, TASK, at=NOW - timedelta(days=1))
    await books.writer.write([today, today, yesterday, yesterday])
    assert await compacted(books, now=NOW) == {"classifications": (1, 1, 1)}
    still_open = MIDNIGHT + CLOSED_AFTER - timedelta(seconds=1)
    assert await compacted(books, now=still_open) == {}
    assert await compacted(books, now=MIDNIGHT + CLOSED_AFTER) == {"classifications": (1, 1, 1)}
    # One row a day stays: each day is a partition of its own.
    assert await books.rows("classifications", "written_at") == [
        (NOW - timedelta(days=1),),
        (NOW,),
    ]


@pytest.mark.extended
async def test_a_key_with_duplicates_on_one_day_remains_on_the_others(books: Books) -> None:
    (item,) = await books.open(1, [TASK])
    rows = [answer_row(item, TASK, at=NOW - timedelta(days=days)) for days in (3, 2, 2, 1)]
    await books.writer.write(rows)
    assert await compacted(books) == {"classifications": (1, 1, 1)}
    assert len(await books.rows("classifications", "written_at")) == 3


@pytest.mark.extended
async def test_everything_includes_today(books: Books) -> None:
    (item,) = await books.open(1, [TASK])
    await books.writer.write([answer_row(item, TASK)] * 2)
    assert await compacted(books, now=NOW) == {}
    assert await compacted(books, now=NOW, everything=True) == {"classifications": (1, 1, 1)}


@pytest.mark.extended
@pytest.mark.parametrize(
    "aborted",
    [
        "Query error: Transaction is aborted due to concurrent update against table p:d.t",
        "400 jobInternalError p:d.t: sqlite3: database is locked",
    ],
)
def test_of_two_compactions_the_slower_raises_a_transient_error(aborted: str) -> None:
    with (
        pytest.raises(TransientError, match=r"p:d\.t.*try again"),
        BIGQUERY.translated("the dataset p.d"),
    ):
        raise BadRequest(aborted)  # type: ignore[no-untyped-call]  # untyped there


@pytest.mark.extended
async def test_columns_of_every_type_are_preserved(books: Books) -> None:
    (item,) = await books.open(1, [TASK, EMBEDDING])
    vector = np.array([0.1, -0.2, 0.3, 0.4], dtype=np.float32)
    await books.writer.write([answer_row(item, TASK), embedding_row(item, vector)])
    before = [await content(books, table) for table in ("classifications", VECTORS)]
    await books.writer.write([answer_row(item, TASK), embedding_row(item, vector)])
    await compacted(books)
    assert [await content(books, table) for table in ("classifications", VECTORS)] == before
    ((_, embedding),) = await books.rows(VECTORS, "part_key, embedding")
    assert embedding == pytest.approx(vector.tolist())


async def test_concurrent_appends_continue_and_none_is_lost(books: Books) -> None:
    items = await books.open(40, [TASK])
    early, late = items[:20], items[20:]
    await books.writer.write([answer_row(item, TASK) for item in early] * 2)
    started = asyncio.Event()

    async def append() -> list[tuple[str, date]]:
        """Append to the compacted partition and to the next one, until compaction ends."""
        appended: list[tuple[str, date]] = []
        await started.wait()
        while not appended or (not mending.done() and len(appended) < MOST_APPENDED):
            item = late[len(appended) % len(late)]
            other = replace(item, subject_id=f"{item.subject_id}-{len(appended)}")
            rows = [answer_row(other, TASK, at=at) for at in (NOW + MINUTE, TOMORROW)]
            await books.writer.write(rows)
            appended += [(row.part_key, row.provenance.written_at.date()) for row in rows]
        return appended

    async def mend() -> None:
        started.set()
        refused = ""
        for _ in range(EMULATOR_TRIES):
            try:
                await compact(books.client, now=TOMORROW)
            except ConfigurationError as error:
                refused = str(error)
            else:
                return
        pytest.fail(f"no try was taken; at last: {refused}")

    mending = asyncio.create_task(mend())
    appended = await append()
    await mending
    rows = await books.rows("classifications", "part_key, DATE(written_at)")
    answered = [(TASK.key(item.subject_id), NOW.date()) for item in early]
    assert sorted(rows) == sorted([*answered, *appended])
