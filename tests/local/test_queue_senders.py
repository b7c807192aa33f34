"""Workers see each other in the queue's file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sightline.local.queue import LocalQueue
from sightline.local.queue.store import REPORTS_LAST_S
from sightline.ports import PeerRates


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_workers_see_how_many_they_are_and_their_mean_rate(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    async with LocalQueue.open(path) as first, LocalQueue.open(path) as second:
        assert first.seen
        alone = await first.report("w1", {"classify": 6.0, "embed": 1.0})
        assert alone == {"classify": PeerRates(1, 6.0), "embed": PeerRates(1, 1.0)}
        both = await second.report("w2", {"classify": 2.0})
        assert both == {"classify": PeerRates(2, 4.0), "embed": PeerRates(1, 1.0)}
        assert (await first.report("w1", {"classify": 4.0}))["classify"] == PeerRates(2, 3.0)


async def test_a_report_replaces_the_one_before(tmp_path: Path) -> None:
    async with LocalQueue.open(tmp_path / "queue.db") as queue:
        await queue.report("w1", {"classify": 6.0, "embed": 1.0})
        assert await queue.report("w1", {"embed": 2.0}) == {"embed": PeerRates(1, 2.0)}


async def test_who_leaves_is_not_seen_any_more(tmp_path: Path) -> None:
    async with LocalQueue.open(tmp_path / "queue.db") as queue:
        await queue.report("w1", {"classify": 6.0})
        await queue.leave("w1")
        assert await queue.report("w2", {"classify": 2.0}) == {"classify": PeerRates(1, 2.0)}


@pytest.mark.parametrize("jump_s", [REPORTS_LAST_S + 1.0, -REPORTS_LAST_S - 1.0])
async def test_who_was_killed_is_forgotten_whatever_the_clock_does(
    tmp_path: Path, jump_s: float
) -> None:
    clock = Clock()
    async with LocalQueue.open(tmp_path / "queue.db", now=clock) as queue:
        await queue.report("killed", {"classify": 6.0})
        clock.now += jump_s
        assert await queue.report("w2", {"classify": 2.0}) == {"classify": PeerRates(1, 2.0)}


async def test_a_queue_of_an_earlier_version_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    async with LocalQueue.open(path):
        pass
    with closing(sqlite3.connect(path)) as sqlite:
        sqlite.execute("DROP TABLE senders")
        sqlite.commit()
    async with LocalQueue.open(path) as queue:
        assert await queue.report("w1", {"classify": 1.0}) == {"classify": PeerRates(1, 1.0)}
