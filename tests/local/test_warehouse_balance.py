"""The balance raises no false alarm while producers, workers and people go on beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from sightline.local.warehouse import LocalRuns
from sightline.local.warehouse.balance import READINGS, part_keys_of
from sightline.model import Balance, WorkItem
from sightline.wire import encode
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    WarehouseRig,
    asking,
    dead_row,
    embedding_row,
    observation,
)


@dataclass
class Meanwhile:
    """A run's queue; once it has been read for the first time, something happens."""

    rig: WarehouseRig
    happens: Callable[[], None] = lambda: None
    readings: int = 0
    runs: LocalRuns = field(init=False)

    def bodies(self, run_id: str | None) -> Iterator[bytes]:
        """Yield the bodies there are when the reading begins."""
        yield from list(self.rig.queued.get(run_id or "run-1", []))
        self.readings += 1
        if self.readings == 1:
            self.happens()


@pytest.fixture
async def meanwhile(tmp_path: Path) -> Meanwhile:
    """Return a run of two items, not published, and a queue beside it."""
    rig = local_rig(tmp_path)
    meanwhile = Meanwhile(rig)
    meanwhile.runs = LocalRuns(tmp_path / "warehouse", meanwhile.bodies)
    await rig.load([observation(1), observation(2)])
    await rig.open(asking(EMBEDDING), "run-1")
    return meanwhile


async def balance(meanwhile: Meanwhile) -> Balance:
    """Return the balance; it must hold."""
    balance_now = await meanwhile.runs.balance("run-1")
    assert balance_now.holds
    return balance_now


async def test_a_range_published_while_it_is_read_is_to_publish(meanwhile: Meanwhile) -> None:
    meanwhile.happens = lambda: asyncio.run(_publish(meanwhile.rig))
    balance_now = await balance(meanwhile)
    assert (balance_now.to_publish, meanwhile.readings) == (2, 1)


async def _publish(rig: WarehouseRig) -> None:
    await rig.publish("run-1")


async def test_a_message_settled_while_it_is_read_is_written(meanwhile: Meanwhile) -> None:
    items = await meanwhile.rig.publish("run-1")

    def work() -> None:
        asyncio.run(meanwhile.rig.writer.write([embedding_row(item) for item in items]))
        meanwhile.rig.queued["run-1"].clear()

    meanwhile.happens = work
    balance_now = await balance(meanwhile)
    assert (balance_now.written, balance_now.awaiting_ack, meanwhile.readings) == (2, 2, 1)


async def test_a_run_cancelled_while_it_is_read_loses_nothing(meanwhile: Meanwhile) -> None:
    rig = meanwhile.rig
    await rig.publish("run-1")
    meanwhile.happens = lambda: asyncio.run(rig.runs.cancel("run-1", now=NOW))
    assert (await balance(meanwhile)).queued == 2
    rig.queued["run-1"].clear()
    assert (await balance(meanwhile)).cancelled == 2


async def test_a_replay_between_two_steps_is_read_again(meanwhile: Meanwhile) -> None:
    rig = meanwhile.rig
    first, second = await rig.publish("run-1")
    await rig.writer.write([dead_row(first, EMBEDDING), embedding_row(second)])
    rig.queued["run-1"].clear()
    replayed = dead_row(first, EMBEDDING, event="replayed", at=NOW + timedelta(seconds=1))

    def replay() -> None:
        rig.queued["run-1"].append(encode(first))
        asyncio.run(rig.dead_letters.record([replayed]))

    meanwhile.happens = replay
    balance_now = await balance(meanwhile)
    assert (balance_now.written, balance_now.queued, meanwhile.readings) == (1, 1, 2)


async def test_what_stays_lost_is_told(meanwhile: Meanwhile) -> None:
    await meanwhile.rig.publish("run-1")
    meanwhile.rig.queued["run-1"].pop()
    balance_now = await meanwhile.runs.balance("run-1")
    assert (balance_now.lost, balance_now.holds, meanwhile.readings) == (1, False, READINGS)


def test_the_keys_of_a_body_are_those_of_its_parts() -> None:
    image = observation(1)
    item = WorkItem("run-1", 0, 0, image.observation_id, (image,), (EMBEDDING,))
    assert part_keys_of(encode(item)) == (EMBEDDING.key(image.observation_id),)
    assert part_keys_of(b"not json") == ()
