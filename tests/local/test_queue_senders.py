"""Workers see each other in the queue's file: clocks that are set, and older files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sightline.local.queue import LocalQueue
from sightline.local.queue.store import REPORTS_LAST_S
from sightline.ports import PeerRates, QuotaBelief
from tests.contracts.peers_suite import sent
from tests.local.queue_rig import Clock


@pytest.mark.parametrize("jump_s", [REPORTS_LAST_S + 1.0, -REPORTS_LAST_S - 1.0])
async def test_who_was_killed_is_forgotten_whatever_the_clock_does(
    tmp_path: Path, jump_s: float
) -> None:
    clock = Clock()
    async with LocalQueue.open(tmp_path / "queue.db", now=clock) as queue:
        await queue.report("killed", sent({"classify": 6.0}))
        clock.time_s += jump_s
        assert await queue.report("w2", sent({"classify": 2.0})) == {"classify": PeerRates(1, 2.0)}


async def test_a_belief_from_before_the_clock_was_set_back_is_not_used(tmp_path: Path) -> None:
    clock = Clock()
    async with LocalQueue.open(tmp_path / "queue.db", now=clock) as queue:
        await queue.report("w1", sent({"classify": 6.0}, QuotaBelief(6.0)))
        clock.time_s -= 60.0
        rates = await queue.report("w1", sent({"classify": 6.0}))
        assert rates["classify"].remembered is None


async def test_a_queue_of_an_earlier_version_gets_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    async with LocalQueue.open(path):
        pass
    with closing(sqlite3.connect(path)) as sqlite:
        sqlite.execute("DROP TABLE senders")
        sqlite.execute("DROP TABLE beliefs")
        sqlite.commit()
    async with LocalQueue.open(path) as queue:
        assert await queue.report("w1", sent({"classify": 1.0})) == {"classify": PeerRates(1, 1.0)}
