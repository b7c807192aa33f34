"""Creates the dataset's missing tables and views, and checks tables against the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.model import EmbeddingPart
from sightline.schema import (
    EMBEDDINGS_PREFIX,
    LEDGERS,
    VIEWS,
    Ledger,
    bigquery_schema,
    vector_views,
)
from sightline.schema import embeddings_ledger as ledger_of

ALL_VECTORS = "embeddings_rows"


def _ignore(_: str) -> None:
    pass


async def put_tables(
    client: BigQueryClient,
    parts: Iterable[EmbeddingPart] = (),
    *,
    on_put: Callable[[str], None] = _ignore,
) -> None:
    """Create the dataset, its tables and views, and the tables of these embeddings. Idempotent.

    ``on_put`` receives the name of each table and view with a fixed name, once it exists.

    Raises:
        TransientError, ConfigurationError: see ``sightline.gcp.failures``.
    """
    await client.create_dataset()
    for ledger in LEDGERS:
        await client.create_table(ledger)
        on_put(ledger.name)
    names = client.place.names()
    for view in VIEWS:
        await client.put_view(view.name, view.sql(names), view.description)
        on_put(view.name)
    await put_embeddings(client, parts, replace_views=True)


async def put_embeddings(
    client: BigQueryClient, parts: Iterable[EmbeddingPart], *, replace_views: bool = False
) -> None:
    """Create the tables of these embeddings, and add them to the views over all vectors."""
    existing = set(await embeddings_tables(client))
    wanted = {
        ledger.name: ledger for ledger in (ledger_of(part.model, part.dimension) for part in parts)
    }
    new = [ledger for name, ledger in wanted.items() if name not in existing]
    for ledger in new:
        await client.create_table(ledger)
    if not (new or replace_views or await _are_hidden(client, wanted)):
        return
    tables = sorted(existing | set(wanted))
    views = vector_views(tables)
    names = {name: client.place.table(name) for name in (*tables, *(view.name for view in views))}
    for view in views:
        await client.put_view(view.name, view.sql(names), view.description)


async def _are_hidden(client: BigQueryClient, tables: Iterable[str]) -> bool:
    """Return whether the view over all vectors lacks a table that another process created."""
    shown = await client.view_query(ALL_VECTORS)
    return any(client.place.table(table) not in shown for table in tables)


async def embeddings_tables(client: BigQueryClient) -> list[str]:
    """Return the names of the existing tables of vectors."""
    return sorted(
        name
        for name, kind in (await client.tables()).items()
        if kind == "TABLE" and name.startswith(EMBEDDINGS_PREFIX)
    )


async def wrong_columns(client: BigQueryClient, ledger: Ledger) -> list[str]:
    """Return how a ledger's table differs from the schema, one sentence a column.

    Raises:
        NotFoundError: the table does not exist.
    """
    place = client.place
    actual_types = await client.columns(f"{place.project}.{place.dataset}.{ledger.name}")
    wrong = []
    for column in bigquery_schema(ledger):
        actual_type = actual_types.get(column["name"])
        if actual_type is None:
            wrong.append(f"{ledger.name}.{column['name']} is missing")
        elif actual_type != column["type"]:
            wrong.append(f"{ledger.name}.{column['name']} is {actual_type}, not {column['type']}")
    return wrong
