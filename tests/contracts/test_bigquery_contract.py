"""The BigQuery warehouse passes the suites of its ports, on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contracts.bigquery_rig import open_rig
from tests.contracts.ledgers_suite import LedgersContract
from tests.contracts.runs_suite import RunsContract
from tests.contracts.search_suite import SearchContract
from tests.contracts.source_suite import SourceContract
from tests.contracts.warehouse_rig import WarehouseRig
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")


@pytest.fixture
async def rig(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[WarehouseRig]:
    """Yield an empty warehouse in a dataset of its own, beside a table of observations."""
    async with open_rig(bigquery_with_ledgers) as opened:
        yield opened.warehouse


@pytest.mark.extended
class TestBigQuerySource(SourceContract):
    """A table of observations, and the work lists drawn from it."""


class TestBigQueryLedgers(LedgersContract):
    """What workers write and read."""


@pytest.mark.extended
class TestBigQueryRuns(RunsContract):
    """What people look after."""


@pytest.mark.extended
class TestBigQuerySearch(SearchContract):
    """Search by the warehouse."""
