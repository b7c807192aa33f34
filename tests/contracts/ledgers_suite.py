"""How every ``ResultWriter``, ``Ledgers`` and ``DeadLetters`` over one store behave together."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from sightline.errors import Reason, UnwritableRowsError
from sightline.model import Usage
from sightline.ports import (
    ClassificationRow,
    DeadLetterFilter,
    DeadLetterRow,
    ResultRow,
)
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    WarehouseRig,
    answer_part,
    answer_row,
    asking,
    dead_row,
    embedding_row,
    observation,
    task,
)

TASK = answer_part(task())


async def letters(rig: WarehouseRig, **which: object) -> list[DeadLetterRow]:
    """Return the dead letters that a filter means."""
    rows = rig.dead_letters.list(DeadLetterFilter(**which))  # type: ignore[arg-type]  # real fields
    return [row async for row in rows]


def broken(row: ResultRow) -> list[ResultRow]:
    """Return the row with each value that no ledger can hold, in the place of a good one."""
    rows: list[ResultRow] = []
    for tokens in (2**64 - 1, -(2**63) - 1, "many"):
        usage = Usage(tokens, 1, 1)  # type: ignore[arg-type]  # as a model may report
        if isinstance(row, DeadLetterRow):
            rows.append(replace(row, usage=usage))
        else:
            rows.append(replace(row, provenance=replace(row.provenance, usage=usage)))
    if isinstance(row, ClassificationRow):
        rows.append(replace(row, answer_json='{"note":"\ud800"}'))
    elif isinstance(row, DeadLetterRow):
        rows.append(replace(row, detail="file \udcff"))
    else:
        unnamed = replace(row.observation, gcs_uri="file:///\udcff.jpg")
        rows.append(replace(row, observation=unnamed))
        infinite = np.array([np.inf, 0, 0, 0], np.float32)
        vectors: list[Any] = [[math.nan, 0.0, 0.0, 0.0], infinite, [1.0], ["x", 0, 0, 0]]
        rows += [replace(row, vector=vector) for vector in vectors]
    return rows


class LedgersContract:
    """Subclass it as ``Test…`` with a fixture ``rig``."""

    async def test_empty_ledgers_know_nothing(self, rig: WarehouseRig) -> None:
        assert await rig.ledgers.settled(["a", "b"]) == frozenset()
        assert await rig.ledgers.written([]) == frozenset()
        assert await rig.ledgers.task_version("f" * 64) is None
        assert await rig.ledgers.cancelled_runs() == frozenset()
        assert await rig.ledgers.missing() == 0
        assert await letters(rig) == []

    async def test_the_buckets_are_those_of_what_was_enqueued(self, rig: WarehouseRig) -> None:
        assert await rig.ledgers.image_buckets() == frozenset()
        images = [observation(1), observation(2), observation(3, gcs_uri="gs://other.one/x/y.jpg")]
        await rig.load([*images, observation(4, gcs_uri="file:///photos/a.jpg")])
        assert await rig.ledgers.image_buckets() == frozenset(), "what is imported is not enqueued"
        await rig.open(asking(TASK), "run-1")
        assert await rig.ledgers.image_buckets() == {"bucket", "other.one"}

    async def test_written_parts_are_settled(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1), observation(2)])
        await rig.open(asking(TASK, EMBEDDING), "run-1")
        first, second = await rig.items("run-1")
        vector = np.array([0, 1, 0, 0], dtype=np.float32)
        await rig.writer.write([answer_row(first, TASK), embedding_row(second, vector)])
        mine = {TASK.key(first.subject_id), EMBEDDING.key(second.subject_id)}
        keys = [*mine, TASK.key(second.subject_id), "unknown"]
        assert await rig.ledgers.settled(keys) == mine
        assert await rig.ledgers.written(keys) == mine

    async def test_rows_that_cannot_be_stored_take_no_other_with_them(
        self, rig: WarehouseRig
    ) -> None:
        await rig.load([observation(number) for number in range(3)])
        await rig.open(asking(TASK, EMBEDDING), "run-1")
        first, second, third = await rig.items("run-1")
        good: list[ResultRow] = [
            answer_row(first, TASK),
            embedding_row(first),
            dead_row(second, TASK),
        ]
        bad = [
            *broken(answer_row(third, TASK)),
            *broken(embedding_row(third)),
            *broken(dead_row(third, TASK)),
        ]
        mixed: list[ResultRow] = [good[0], *bad[:5], good[1], *bad[5:], good[2]]
        with pytest.raises(UnwritableRowsError) as raised:
            await rig.writer.write(mixed)
        assert [mixed[place] for place in raised.value.details] == bad
        assert len(str(raised.value).splitlines()) == 1
        keys = {row.part_key for row in mixed}
        assert await rig.ledgers.settled([*keys]) == {row.part_key for row in good}
        assert len(await letters(rig)) == 1

    async def test_a_dead_part_is_settled_until_it_is_replayed(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(TASK), "run-1")
        (item,) = await rig.items("run-1")
        key = TASK.key(item.subject_id)
        await rig.writer.write([dead_row(item, TASK)])
        assert await rig.ledgers.settled([key]) == {key}
        assert await rig.ledgers.written([key]) == frozenset()
        replayed = dead_row(item, TASK, event="replayed", at=NOW + timedelta(seconds=1))
        await rig.dead_letters.record([replayed])
        assert await rig.ledgers.settled([key]) == frozenset()
        await rig.writer.write([dead_row(item, TASK, at=NOW + timedelta(seconds=2))])
        assert await rig.ledgers.settled([key]) == {key}

    async def test_what_a_failed_call_cost_makes_no_part_dead(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(TASK), "run-1")
        (item,) = await rig.items("run-1")
        await rig.writer.write([dead_row(item, TASK, event="retried")])
        assert await rig.ledgers.settled([TASK.key(item.subject_id)]) == frozenset()
        assert await letters(rig) == []
        assert (await rig.runs.cost("run-1")).input_tokens == 10

    async def test_missing_counts_open_parts_neither_written_nor_dead(
        self, rig: WarehouseRig
    ) -> None:
        await rig.load([observation(number) for number in range(4)])
        await rig.open(asking(TASK), "run-1")
        first, second, *_ = await rig.items("run-1")
        assert await rig.ledgers.missing() == 4
        await rig.writer.write([answer_row(first, TASK), dead_row(second, TASK)])
        assert await rig.ledgers.missing() == 2
        await rig.runs.cancel("run-1", now=NOW)
        assert await rig.ledgers.missing() == 0
        assert await rig.ledgers.cancelled_runs() == {"run-1"}

    async def test_a_run_is_finished_once_all_its_parts_are_written_or_dead(
        self, rig: WarehouseRig
    ) -> None:
        await rig.load([observation(1), observation(2)])
        await rig.open(asking(TASK), "run-1")
        first, second = await rig.items("run-1")
        assert await rig.ledgers.finished(["run-1", "unknown"]) == {"unknown"}
        await rig.writer.write([answer_row(first, TASK)])
        assert await rig.ledgers.finished(["run-1"]) == frozenset()
        await rig.writer.write([dead_row(second, TASK, event="retried")])
        assert await rig.ledgers.finished(["run-1"]) == frozenset()
        await rig.writer.write([dead_row(second, TASK)])
        assert await rig.ledgers.finished(["run-1"]) == {"run-1"}

    async def test_a_task_is_found_by_each_fingerprint_it_had(self, rig: WarehouseRig) -> None:
        first, second = task(), task(prompt="What is it really?")
        for moment, version in enumerate((first, second, second, first)):
            await rig.runs.remember_task(version, now=NOW + timedelta(seconds=moment))
        for version in (first, second):
            remembered = await rig.ledgers.task_version(version.fingerprint)
            assert remembered == version
            assert remembered.fingerprint == version.fingerprint

    async def test_dead_letters_come_back_whole_and_oldest_first(self, rig: WarehouseRig) -> None:
        await rig.load([observation(number) for number in range(3)])
        await rig.open(asking(TASK), "run-1")
        items = await rig.items("run-1")
        rows = [
            dead_row(item, TASK, at=NOW - timedelta(days=number), reason=reason)
            for number, (item, reason) in enumerate(
                zip(items, (Reason.IMAGE_GONE, Reason.BAD_URI, Reason.IMAGE_GONE), strict=True)
            )
        ]
        await rig.dead_letters.record(rows)
        assert await letters(rig) == rows[::-1]
        assert await letters(rig, limit=2) == [rows[2], rows[1]]
        assert await letters(rig, reason=Reason.BAD_URI) == [rows[1]]
        assert await letters(rig, run_id="other") == []
        assert await rig.runs.dead_by_reason("run-1") == {"bad_uri": 1, "image_gone": 2}
        assert await rig.runs.dead_by_reason() == {"bad_uri": 1, "image_gone": 2}
        assert await rig.runs.dead_by_reason("other") == {}

    async def test_a_purged_dead_letter_is_off_the_list_and_stays_settled(
        self, rig: WarehouseRig
    ) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(TASK), "run-1")
        (item,) = await rig.items("run-1")
        purged = dead_row(item, TASK, event="purged", at=NOW + timedelta(seconds=1))
        await rig.dead_letters.record([dead_row(item, TASK), purged])
        assert await letters(rig) == []
        key = TASK.key(item.subject_id)
        assert await rig.ledgers.settled([key]) == {key}

    async def test_a_part_written_after_all_is_no_dead_letter(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(TASK), "run-1")
        (item,) = await rig.items("run-1")
        await rig.writer.write([dead_row(item, TASK), answer_row(item, TASK)])
        assert await letters(rig) == []
        assert await rig.runs.dead_by_reason() == {}

    async def test_an_event_recorded_twice_is_one_letter(self, rig: WarehouseRig) -> None:
        await rig.load([observation(1)])
        await rig.open(asking(TASK), "run-1")
        (item,) = await rig.items("run-1")
        row = dead_row(item, TASK)
        await rig.dead_letters.record([row])
        await rig.dead_letters.record([row])
        assert await letters(rig) == [row]
        assert (await rig.runs.cost("run-1")).cost_usd_micros == 1
