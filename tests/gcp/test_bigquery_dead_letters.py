"""Dead letters on the BigQuery emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from sightline.errors import Reason
from sightline.ports import DeadLetterFilter, DeadLetterRow
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    answer_part,
    answer_row,
    dead_row,
    embedding_row,
    task,
)
from tests.gcp.ledger_rig import Books, open_books
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")
TASK = answer_part(task())


@pytest.fixture
async def books(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[Books]:
    async with open_books(bigquery_with_ledgers) as books:
        yield books


async def letters(books: Books, **which: object) -> list[DeadLetterRow]:
    """Return the dead letters that match a filter."""
    rows = books.dead_letters.list(DeadLetterFilter(**which))  # type: ignore[arg-type]  # real fields
    return [row async for row in rows]


async def test_dead_letters_are_returned_complete_and_oldest_first(books: Books) -> None:
    items = await books.open(5, [TASK])
    rows = [
        dead_row(item, TASK, at=NOW - timedelta(days=n), reason=list(Reason)[n % 2])
        for n, item in enumerate(items)
    ]
    await books.dead_letters.record(rows)
    assert await letters(books) == rows[::-1]
    assert await letters(books, limit=3) == rows[:1:-1]
    assert await letters(books, limit=0) == []
    assert await letters(books, reason=list(Reason)[1]) == [rows[3], rows[1]]
    assert await letters(books, run_id="run-1", reason=list(Reason)[1], limit=1) == [rows[3]]
    assert await letters(books, run_id="x' OR true --") == []


async def test_dead_letters_of_one_moment_are_ordered_by_id(books: Books) -> None:
    items = await books.open(3, [TASK])
    rows = [dead_row(item, TASK, event_id=name) for item, name in zip(items, "cab", strict=True)]
    await books.dead_letters.record(rows)
    assert [letter.event_id for letter in await letters(books)] == ["a", "b", "c"]


async def test_replayed_purged_and_written_parts_are_not_listed(books: Books) -> None:
    items = await books.open(5, [TASK, EMBEDDING])
    await books.dead_letters.record([dead_row(item, TASK) for item in items])
    later = NOW + timedelta(seconds=1)
    await books.dead_letters.record(
        [
            dead_row(items[0], TASK, event="replayed", at=later),
            dead_row(items[1], TASK, event="purged", at=later),
            dead_row(items[3], EMBEDDING),
            dead_row(items[4], TASK, event="retried", at=later),
        ]
    )
    await books.writer.write([answer_row(items[2], TASK), embedding_row(items[3])])
    assert {letter.subject_id for letter in await letters(books)} == {"obs-003", "obs-004"}
    assert await books.runs.dead_by_reason() == {"image_gone": 2}
    assert await books.runs.dead_by_reason("run-1") == {"image_gone": 2}
    assert await books.runs.dead_by_reason("other") == {}


async def test_a_dead_letter_with_only_a_reason_is_read(books: Books) -> None:
    name = books.client.place.table("dead_letters")
    await books.client.execute(
        f"INSERT INTO {name} (event_id, part_key, event, reason, `at`)"
        " VALUES ('e', 'k', 'dead', 'bad_message', @moment)",
        moment=NOW,
    )
    (letter,) = await letters(books)
    assert (letter.event_id, letter.message_id, letter.delivery_attempt) == ("e", "", 0)
    assert (letter.reason, letter.at, letter.usage.cost_usd_micros) == (Reason.BAD_MESSAGE, NOW, 0)
