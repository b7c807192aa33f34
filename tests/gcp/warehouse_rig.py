"""A separate dataset for each test, on the BigQuery emulator."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from scripts.servers import BigQueryEmulator
from sightline.gcp.bigquery.append import AppendRule
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.tables import put_embeddings, put_tables
from sightline.model import EmbeddingPart

ONE_AT_A_TIME = AppendRule(appends=1, timeout_s=10.0)
"""How rows are appended to the emulator, which stalls where two tables are appended to at once."""


def place_in(emulator: BigQueryEmulator) -> BigQueryPlace:
    """Return an unused dataset: the emulator's own, or one that does not exist yet."""
    return BigQueryPlace(
        emulator.project,
        emulator.dataset or f"d_{uuid.uuid4().hex}",
        endpoint=emulator.endpoint,
        storage_endpoint=emulator.storage_endpoint,
    )


async def make_ledgers(emulator: BigQueryEmulator) -> None:
    """Create all tables and views in the emulator's own dataset."""
    async with BigQueryClient.open(place_in(emulator)) as client:
        await put_tables(client)


@asynccontextmanager
async def open_dataset(
    emulator: BigQueryEmulator, parts: Iterable[EmbeddingPart] = ()
) -> AsyncIterator[BigQueryClient]:
    """Open a client on an unused dataset with all tables and views.

    The emulator's Storage Read API goes by a table's name alone, whatever its dataset: so there
    must not be two work lists at once, and this one's is dropped at the end.
    """
    async with BigQueryClient.open(place_in(emulator)) as client:
        if emulator.dataset:
            await put_embeddings(client, parts)
        else:
            await put_tables(client, parts)
        try:
            yield client
        finally:
            await client.execute(f"DROP TABLE IF EXISTS {client.place.table('work_items')}")
