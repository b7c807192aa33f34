"""Datasets on the BigQuery emulator: one of its own for a test, or one that tests hand on."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.tables import EMBEDDINGS_PREFIX, put_embeddings, put_tables
from sightline.model import EmbeddingPart
from sightline.schema import WORK_ITEMS
from tests.gcp.servers import BigQueryEmulator

if TYPE_CHECKING:
    from google.cloud import bigquery

_KEPT: dict[tuple[str, frozenset[EmbeddingPart]], tuple[BigQueryPlace, dict[str, str]]] = {}
"""By emulator and embeddings: the dataset that is handed on, and what it holds when it is new."""


def place_in(emulator: BigQueryEmulator) -> BigQueryPlace:
    """Return a dataset that nobody else uses; it is not made yet."""
    return BigQueryPlace(
        emulator.project,
        f"d_{uuid.uuid4().hex}",
        endpoint=emulator.endpoint,
        storage_endpoint=emulator.storage_endpoint,
    )


@asynccontextmanager
async def open_dataset(
    emulator: BigQueryEmulator, parts: Iterable[EmbeddingPart] = ()
) -> AsyncIterator[BigQueryClient]:
    """Open a client on a new dataset with all tables and views.

    The emulator's Storage Read API goes by a table's name alone, whatever its dataset: so there
    must not be two work lists at once, and this one's is dropped at the end.
    """
    async with BigQueryClient.open(place_in(emulator)) as client:
        await put_tables(client, parts)
        try:
            yield client
        finally:
            await _drop_work_items(client)


@asynccontextmanager
async def open_empty_dataset(
    emulator: BigQueryEmulator, parts: Iterable[EmbeddingPart] = ()
) -> AsyncIterator[BigQueryClient]:
    """Open a client on a dataset as new, handed on from test to test and emptied in between.

    A new one takes a second, and makes every later statement of the emulator slower.
    """
    wanted = frozenset(parts)
    kept = _KEPT.pop((emulator.endpoint, wanted), None)
    async with BigQueryClient.open(kept[0] if kept else place_in(emulator)) as client:
        if kept is None:
            await put_tables(client, wanted)
        else:
            await client.create_table(WORK_ITEMS)
        there = kept[1] if kept else await client.tables()
        try:
            yield client
        finally:
            await _drop_work_items(client)
            if await _emptied(client, there, wanted):
                _KEPT[emulator.endpoint, wanted] = client.place, there


async def _drop_work_items(client: BigQueryClient) -> None:
    await client.execute(f"DROP TABLE IF EXISTS {client.place.table(WORK_ITEMS.name)}")


def _delete_table(name: str, library: bigquery.Client) -> None:
    library.delete_table(name, retry=None)  # type: ignore[arg-type]  # None is accepted


async def _emptied(
    client: BigQueryClient, there: dict[str, str], parts: frozenset[EmbeddingPart]
) -> bool:
    """Bring a dataset back to what it was; return whether all of that is still there."""
    now = await client.tables()
    new = [name for name in sorted(now, key=lambda name: now[name] != "VIEW") if name not in there]
    dataset = f"{client.place.project}.{client.place.dataset}"
    for name in new:
        await client.use(partial(_delete_table, f"{dataset}.{name}"))
    if any(name.startswith(EMBEDDINGS_PREFIX) for name in new):
        await put_embeddings(client, parts, afresh=True)
    tables = [name for name in now if there.get(name) == "TABLE"]
    await client.execute(
        ";\n".join(f"DELETE FROM {client.place.table(name)} WHERE true" for name in tables)
    )
    return now.keys() | {WORK_ITEMS.name} >= there.keys()
