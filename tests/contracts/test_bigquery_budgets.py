"""The BigQuery warehouse's budgets pass the suite of their port, on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.budgets import BigQueryBudgets
from sightline.gcp.bigquery.dead_letters import BigQueryDeadLetters
from sightline.gcp.bigquery.ledgers import BigQueryLedgers
from sightline.gcp.bigquery.runs import BigQueryRuns
from sightline.gcp.bigquery.search import BigQuerySearch
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.model import Observation
from sightline.ports import Budgets
from tests.contracts.budgets_suite import BudgetsContract
from tests.contracts.warehouse_rig import EMBEDDING, WarehouseRig
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.source_rig import ASSET_COLUMNS, load, make_source, open_source
from tests.gcp.warehouse_rig import open_dataset

pytestmark = pytest.mark.needs("go")

Both = tuple[WarehouseRig, Budgets]


@pytest.fixture
async def both(bigquery_emulator: BigQueryEmulator) -> AsyncIterator[Both]:
    """Yield an empty warehouse in a dataset of its own, and its budgets."""
    async with (
        open_dataset(bigquery_emulator, [EMBEDDING]) as client,
        LedgerAppender.open(client.place) as appender,
        open_source(client) as source,
    ):
        await make_source(client, "latest_observations", ASSET_COLUMNS)
        writer = BigQueryWriter(appender, client)

        async def load_here(observations: Sequence[Observation]) -> None:
            await load(client, observations)

        yield (
            WarehouseRig(
                source=source,
                writer=writer,
                ledgers=BigQueryLedgers(client),
                runs=BigQueryRuns(client, appender),
                dead_letters=BigQueryDeadLetters(client, writer),
                search=BigQuerySearch(client),
                load=load_here,
            ),
            BigQueryBudgets(client, appender),
        )


@pytest.fixture
def rig(both: Both) -> WarehouseRig:
    """Return the warehouse."""
    return both[0]


@pytest.fixture
def budgets(both: Both) -> Budgets:
    """Return its budgets."""
    return both[1]


class TestBigQueryBudgets(BudgetsContract):
    """Events appended by the Storage Write API, sums in SQL."""
