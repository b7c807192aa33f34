"""The BigQuery warehouse's budgets pass the suite of their port, on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sightline.gcp.bigquery.budgets import BigQueryBudgets
from sightline.ports import Budgets
from tests.contracts.bigquery_rig import BigQueryRig, open_rig
from tests.contracts.budgets_suite import BudgetsContract
from tests.contracts.warehouse_rig import WarehouseRig
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")


@pytest.fixture
async def opened(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[BigQueryRig]:
    """Yield an empty warehouse in a dataset of its own."""
    async with open_rig(bigquery_with_ledgers) as opened:
        yield opened


@pytest.fixture
def rig(opened: BigQueryRig) -> WarehouseRig:
    """Return the warehouse."""
    return opened.warehouse


@pytest.fixture
def budgets(opened: BigQueryRig) -> Budgets:
    """Return its budgets."""
    return BigQueryBudgets(opened.client, opened.appender)


@pytest.mark.extended
class TestBigQueryBudgets(BudgetsContract):
    """Events appended by the Storage Write API, sums in SQL."""
