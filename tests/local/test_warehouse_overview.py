"""What is remembered of all runs tells what the ledgers tell, whatever becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sightline.errors import StorageError
from sightline.local.warehouse import LocalBudgets, compact_all
from sightline.local.warehouse.locks import lock_now
from sightline.local.warehouse.remembered import FOLDER
from sightline.model import Part, PartRequest, RunRequest, WorkItem
from sightline.ports import BudgetEvent, BudgetEventKind, Overview
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    NOW,
    WarehouseRig,
    answer_part,
    answer_row,
    asking,
    dead_row,
    observation,
    task,
    write_all,
)

TASK = answer_part(task())
ASSETS = answer_part(task("assets", by_asset=True))


@dataclass
class Kept:
    """A warehouse with two runs, of which something is remembered."""

    home: Path
    rig: WarehouseRig
    items: list[WorkItem]

    async def overview(self) -> Overview:
        """Return what is remembered, which is what the ledgers tell."""
        overview = await self.rig.runs.overview(from_ledgers=False)
        assert overview == await self.rig.runs.overview(from_ledgers=True)
        return overview

    @property
    def folder(self) -> Path:
        """Where it is remembered."""
        return self.home / "warehouse" / FOLDER


@pytest.fixture
async def kept(tmp_path: Path) -> Kept:
    """Return a warehouse with two runs, looked at once."""
    rig = local_rig(tmp_path)
    await rig.load([observation(number) for number in range(6)])
    await rig.open(asking(TASK, EMBEDDING), "run-1")
    items = await rig.publish("run-1")
    await write_all(rig, items[:2])
    await rig.writer.write([dead_row(items[2], TASK)])
    kept = Kept(tmp_path, rig, items)
    await kept.overview()
    assert [path.suffix for path in sorted(kept.folder.iterdir())] == [".duckdb", ".lock"]
    return kept


def written(overview: Overview, run_id: str = "run-1") -> int:
    """Return how many parts of a run are written."""
    (account,) = [account for account in overview.accounts if account.run.run_id == run_id]
    return account.balance.written


async def test_what_is_written_later_is_taken_in(kept: Kept) -> None:
    await write_all(kept.rig, kept.items[2:4])
    assert written(await kept.overview()) == 8
    assert (await kept.overview()).dead_by_reason == {}  # it was written after all
    await kept.rig.runs.cancel("run-1", now=NOW)
    (account,) = (await kept.overview()).accounts
    assert account.run.state == "cancelled"


async def test_a_run_opened_later_is_taken_in(kept: Kept) -> None:
    await kept.rig.load([observation(number) for number in range(6, 9)])
    await kept.rig.open(asking(EMBEDDING), "run-2", at=NOW + timedelta(seconds=1))
    overview = await kept.overview()
    assert [account.run.run_id for account in overview.accounts] == ["run-2", "run-1"]
    await write_all(kept.rig, await kept.rig.publish("run-2"))
    assert written(await kept.overview(), "run-2") == 3


async def test_files_that_were_compacted_away_are_forgotten(kept: Kept) -> None:
    before = await kept.overview()
    root = kept.home / "warehouse"
    for turn in range(2):
        compact_all(root, now=NOW + timedelta(hours=turn), everything=True)
        assert await kept.overview() == before


async def test_a_call_that_was_paid_twice_costs_twice(kept: Kept) -> None:
    before = (await kept.overview()).accounts[0].cost.cost_usd_micros
    item = kept.items[0]
    again = answer_row(item, TASK, at=NOW + timedelta(seconds=5))
    await kept.rig.writer.write([again])
    await kept.rig.writer.write([again])  # a write that was repeated costs nothing
    after = (await kept.overview()).accounts[0].cost.cost_usd_micros
    assert after - before == again.provenance.usage.cost_usd_micros


async def test_what_counts_against_a_budget_is_what_the_budgets_say(tmp_path: Path) -> None:
    rig = local_rig(tmp_path)
    budgets = LocalBudgets(tmp_path / "warehouse")
    await rig.load([observation(number) for number in range(6)])
    parts_of: dict[str, tuple[Part, ...]] = {"run-1": (TASK, EMBEDDING), "run-2": (ASSETS,)}
    for run_id, parts in parts_of.items():
        limit = BudgetEvent(run_id, run_id, BudgetEventKind.SET, "", 10**6, None, NOW)
        await budgets.record([limit])
        await rig.open(by_asset(parts), run_id)
    items = {run_id: await rig.publish(run_id) for run_id in ("run-1", "run-2")}
    await write_all(rig, items["run-1"][:3])
    await rig.writer.write([dead_row(items["run-1"][4], TASK)])
    await rig.writer.write(
        [answer_row(work_item, ASSETS, by_asset=True) for work_item in items["run-2"]]
    )
    for from_ledgers in (True, False):
        overview = await rig.runs.overview(from_ledgers=from_ledgers)
        for account in overview.accounts:
            assert account.spent == await budgets.spent(account.run.run_id)
            assert account.spent is not None
            assert account.spent.images > 0


@pytest.mark.parametrize("content", [b"", b"no database at all", b"\0" * 20_000])
async def test_a_memory_that_is_damaged_is_made_anew(kept: Kept, content: bytes) -> None:
    (path,) = kept.folder.glob("*.duckdb")
    path.write_bytes(content)
    assert written(await kept.overview()) == 4
    assert written(await kept.overview()) == 4
    assert path.stat().st_size != len(content)


async def test_a_memory_in_use_is_done_without(kept: Kept) -> None:
    (lock,) = kept.folder.glob("*.lock")
    await write_all(kept.rig, kept.items[3:4])
    with lock_now(lock, "held"):
        assert written(await kept.overview()) == 6


async def test_a_warehouse_that_cannot_be_written_is_read(kept: Kept) -> None:
    for path in kept.folder.iterdir():
        path.unlink()
    kept.folder.rmdir()
    kept.folder.write_text("a file is in the way of the folder")
    assert written(await kept.overview()) == 4


async def test_a_damaged_ledger_is_named_and_not_remembered_away(kept: Kept) -> None:
    day = next((kept.home / "warehouse" / "classifications").glob("date=*"))
    (day / "zz.parquet").write_bytes(b"not parquet")
    for from_ledgers in (True, False):
        with pytest.raises(StorageError, match=r"zz\.parquet is not a file of the ledger"):
            await kept.rig.runs.overview(from_ledgers=from_ledgers)
    (day / "zz.parquet").unlink()
    assert written(await kept.overview()) == 4


def by_asset(parts: tuple[Part, ...]) -> RunRequest:
    """Return a request in which the task of assets takes all observations of one."""
    return asking(*(PartRequest(part, by_asset=part is ASSETS) for part in parts))
