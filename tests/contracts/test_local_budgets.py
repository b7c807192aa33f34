"""The local warehouse's budgets pass the suite of their port."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sightline.local.warehouse import LocalBudgets, compact
from sightline.ports import Amount
from sightline.schema import BUDGET_EVENTS
from tests.contracts.budgets_suite import (
    RELEASED,
    RESERVED,
    BudgetsContract,
    budget_set,
    event,
)
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import NOW, WarehouseRig


@pytest.fixture
def rig(tmp_path: Path) -> WarehouseRig:
    """Return an empty warehouse."""
    return local_rig(tmp_path)


@pytest.fixture
def budgets(tmp_path: Path) -> LocalBudgets:
    """Return the budgets of that warehouse."""
    return LocalBudgets(tmp_path / "warehouse")


class TestLocalBudgets(BudgetsContract):
    """Events and sums over Parquet files."""


async def test_compaction_changes_no_budget(tmp_path: Path, budgets: LocalBudgets) -> None:
    await budgets.record([budget_set(100), event(RESERVED, 40, name="a")])
    await budgets.record([event(RESERVED, 40, name="a")])
    await budgets.record([event(RELEASED, 30, name="a/released")])
    await budgets.record([event(RELEASED, 9, name="a/released", at=NOW + timedelta(seconds=1))])
    before = await budgets.states()
    report = compact(tmp_path / "warehouse", BUDGET_EVENTS, now=NOW, everything=True)
    assert report.duplicates == 1
    assert await budgets.states() == before
    assert before["run-1"].reserved == Amount(10, 0)
