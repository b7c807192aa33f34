"""The workers' reads of the ledgers, on the BigQuery emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from sightline.errors import StorageError
from sightline.gcp.bigquery.ledgers import CANCELLED_HOLDS_S, KEYS_A_QUERY
from sightline.schema import TASK_VERSIONS
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


async def test_many_keys_are_looked_up_in_several_queries(books: Books) -> None:
    first, second, third = await books.open(3, [TASK, EMBEDDING])
    await books.writer.write(
        [answer_row(first, TASK), embedding_row(second), dead_row(third, TASK)]
    )
    keys = [f"{number:064x}" for number in range(12_000)]
    answered, embedded, dead = (
        TASK.key(first.subject_id),
        EMBEDDING.key(second.subject_id),
        TASK.key(third.subject_id),
    )
    assert len(keys) > KEYS_A_QUERY
    keys_asked = [answered, *keys[:6000], embedded, *keys[6000:], dead, answered]
    assert await books.ledgers.settled(keys_asked) == {answered, embedded, dead}
    assert await books.ledgers.written(keys_asked) == {answered, embedded}


async def test_cancelled_runs_are_read_again_after_a_while(books: Books) -> None:
    await books.open(1, [TASK])
    assert await books.ledgers.cancelled_runs() == frozenset()
    await books.runs.cancel("run-1", now=NOW)
    books.clock.time_s = CANCELLED_HOLDS_S - 0.1
    assert await books.ledgers.cancelled_runs() == frozenset()
    books.clock.time_s = CANCELLED_HOLDS_S
    assert await books.ledgers.cancelled_runs() == {"run-1"}


async def test_missing_counts_each_open_part_once(books: Books) -> None:
    first, second, third, fourth = await books.open(4, [TASK, EMBEDDING])
    await books.open(2, [TASK], "run-2")  # two of the same parts
    await books.open(3, [answer_part(task("others"))], "run-3")
    assert await books.ledgers.missing() == 8 + 3
    await books.runs.cancel("run-3", now=NOW)
    replayed = dead_row(third, TASK, event="replayed", at=NOW + timedelta(seconds=1))
    await books.writer.write(
        [
            *(answer_row(first, TASK) for _ in range(2)), embedding_row(second),
            dead_row(third, TASK), replayed, dead_row(fourth, TASK),
            dead_row(fourth, EMBEDDING, event="retried"),
        ]
    )  # fmt: skip
    assert await books.ledgers.missing() == 8 - 3


async def test_a_dead_letter_without_a_key_hides_nothing(books: Books) -> None:
    await books.open(2, [TASK])
    name = books.client.place.table("dead_letters")
    await books.client.execute(
        f"INSERT INTO {name} (event_id, event, reason, `at`) VALUES ('e', 'dead', 'bad_uri', @at)",
        at=NOW,
    )
    assert await books.ledgers.missing() == 2


async def test_a_stored_task_that_this_version_reads_differently_is_refused(books: Books) -> None:
    spec = task()
    row = {
        "task": "signs", "fingerprint": "f" * 64, "model": spec.model, "toml": spec.toml, "at": NOW,
    }  # fmt: skip
    await books.appender.append(TASK_VERSIONS, [row])
    with pytest.raises(StorageError, match="use the version"):
        await books.ledgers.task_version("f" * 64)
