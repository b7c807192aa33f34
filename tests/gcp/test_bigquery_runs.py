"""Runs in BigQuery beyond the contract of the port: ranges, views, versions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from sightline.model import Balance, WorkItem
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
STATES = ("written", "dead", "queued", "to_publish", "cancelled", "lost", "awaiting_ack")
LATER = NOW + timedelta(seconds=1)


@pytest.fixture
async def books(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[Books]:
    async with open_books(bigquery_with_ledgers) as books:
        yield books


def shown(balance: Balance) -> dict[str, int]:
    """Return the states that have parts."""
    return {name: getattr(balance, name) for name in STATES if getattr(balance, name)}


async def lost(books: Books, run_id: str = "run-1", *, page_items: int = 10) -> list[WorkItem]:
    """Return a run's items that may be lost, by subject."""
    pages = [page async for page in books.runs.lost(run_id, page_items=page_items)]
    assert all(0 < len(page) <= page_items for page in pages)
    return sorted((item for page in pages for item in page), key=lambda item: item.subject_id)


async def test_every_part_is_in_one_state(books: Books) -> None:
    items = await books.open(7, [TASK, EMBEDDING])
    await books.publish("run-1", 0, 0, 2)  # obs-000, obs-002
    await books.publish("run-1", 0, 2, 4)  # obs-004, obs-006
    await books.publish("run-1", 0, 2, 4)  # recorded twice
    await books.publish("run-1", 1, 0, 1)  # obs-001; obs-003 and obs-005 are to be published
    written, purged, replayed, queued, dead, early = (
        items[number] for number in (0, 2, 4, 6, 1, 3)
    )
    await books.writer.write([answer_row(written, TASK), embedding_row(written)])
    await books.writer.write([answer_row(written, TASK), embedding_row(written)])  # once more
    await books.writer.write([dead_row(written, TASK)])  # its message was on the way twice
    await books.writer.write([answer_row(early, TASK)])  # published, and not yet recorded so
    await books.writer.write([dead_row(dead, TASK), dead_row(dead, EMBEDDING, event="retried")])
    await books.writer.write([dead_row(purged, TASK), dead_row(replayed, TASK)])
    await books.writer.write(
        [
            dead_row(purged, TASK, event="purged", at=LATER),
            dead_row(replayed, TASK, event="replayed", at=LATER),
        ]
    )
    balance = await books.runs.balance("run-1")
    assert shown(balance) == {"written": 3, "dead": 2, "queued": 6, "to_publish": 3}
    assert (balance.parts, balance.duplicates, balance.holds) == (14, 0, True)
    assert queued.subject_id == "obs-006"


async def test_the_ranges_of_another_run_do_not_count_as_published(books: Books) -> None:
    await books.open(2, [TASK])
    await books.open(2, [EMBEDDING], "run-2")
    await books.publish("run-2", 0, 0, 1)
    assert shown(await books.runs.balance("run-1")) == {"to_publish": 2}
    assert shown(await books.runs.balance("run-2")) == {"queued": 1, "to_publish": 1}


async def test_a_view_that_shows_a_part_twice_is_reported(books: Books) -> None:
    (item,) = await books.open(1, [TASK])
    await books.writer.write([answer_row(item, TASK), answer_row(item, TASK, at=LATER)])
    assert (await books.runs.balance("run-1")).duplicates == 0
    place = books.client.place
    await books.client.put_view(
        "classifications_all", f"SELECT * FROM {place.table('classifications')}", "not once a part"
    )
    balance = await books.runs.balance("run-1")
    assert (balance.written, balance.duplicates, balance.holds) == (1, 1, False)


async def test_published_items_that_are_not_settled_may_be_lost(books: Books) -> None:
    items = await books.open(9, [TASK, EMBEDDING])
    await books.publish("run-1", 0, 0, 5)
    await books.publish("run-1", 0, 0, 5)
    await books.writer.write(
        [
            answer_row(items[0], TASK), answer_row(items[0], TASK), embedding_row(items[0]),
            answer_row(items[2], TASK), dead_row(items[4], EMBEDDING),
        ]
    )  # fmt: skip
    expected = [
        replace(items[2], parts=(EMBEDDING,)), replace(items[4], parts=(TASK,)),
        items[6], items[8],
    ]  # fmt: skip
    assert await lost(books) == expected
    assert await lost(books, page_items=1) == expected
    assert await lost(books, page_items=3) == expected


async def test_runs_are_listed_newest_first_with_their_states(books: Books) -> None:
    await books.open(2, [TASK], "run-1")
    await books.open(1, [TASK], "run-2", at=LATER)
    await books.open(1, [TASK], "run-3", at=LATER)
    await books.publish("run-2", 0, 0, 1)
    await books.runs.cancel("run-1", now=NOW)
    listed = await books.runs.runs()
    assert [(run.run_id, run.state, run.messages) for run in listed] == [
        ("run-3", "open", 1),
        ("run-2", "published", 1),
        ("run-1", "cancelled", 2),
    ]
    assert (listed[2].created_at, listed[2].parts) == (NOW, 2)
    assert listed[2].request_json == '{"command":"sightline enqueue"}'


async def test_a_task_is_recorded_when_it_becomes_the_active_one(books: Books) -> None:
    old, new = task(), task(prompt="What is it really?")
    for spec in (old, old, new, new, old):
        await books.runs.remember_task(spec, now=NOW)  # the clock stands still
    rows = await books.rows("task_versions", "`at`, fingerprint")
    microsecond = timedelta(microseconds=1)
    assert rows == [
        (NOW, old.fingerprint),
        (NOW + microsecond, new.fingerprint),
        (NOW + 2 * microsecond, old.fingerprint),
    ]
    assert await books.rows("tasks_active", "fingerprint") == [(old.fingerprint,)]
    assert await books.ledgers.task_version(new.fingerprint) == new
