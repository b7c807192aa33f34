"""A warehouse in a dataset of its own, on the BigQuery emulator, for the suites of its ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.dead_letters import BigQueryDeadLetters
from sightline.gcp.bigquery.ledgers import BigQueryLedgers
from sightline.gcp.bigquery.runs import BigQueryRuns
from sightline.gcp.bigquery.search import BigQuerySearch
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.model import Observation
from tests.contracts.warehouse_rig import EMBEDDING, WarehouseRig
from tests.gcp.ledger_rig import OneAtATime
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.source_rig import ASSET_COLUMNS, load, make_source, open_source
from tests.gcp.warehouse_rig import open_dataset


@dataclass(frozen=True, slots=True)
class BigQueryRig:
    """A dataset as a warehouse, and what opens more adapters over it."""

    client: BigQueryClient
    appender: LedgerAppender
    warehouse: WarehouseRig


@asynccontextmanager
async def open_rig(emulator: BigQueryEmulator) -> AsyncIterator[BigQueryRig]:
    """Open an empty warehouse, beside a table of observations."""
    async with (
        open_dataset(emulator, [EMBEDDING]) as client,
        OneAtATime.open(client.place) as appender,
        open_source(client) as source,
    ):
        await make_source(client, "latest_observations", ASSET_COLUMNS)
        writer = BigQueryWriter(appender, client)

        async def load_here(observations: Sequence[Observation]) -> None:
            await load(client, observations)

        warehouse = WarehouseRig(
            source=source,
            writer=writer,
            ledgers=BigQueryLedgers(client),
            runs=BigQueryRuns(client, appender),
            dead_letters=BigQueryDeadLetters(client, writer),
            search=BigQuerySearch(client),
            load=load_here,
            edges_outside=False,
            sees_queue=False,
        )
        yield BigQueryRig(client, appender, warehouse)
