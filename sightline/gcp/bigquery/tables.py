"""The dataset's tables and views: made where they are missing, and checked against the schema."""

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


def _unheard(_: str) -> None:
    pass


async def put_tables(
    client: BigQueryClient,
    parts: Iterable[EmbeddingPart] = (),
    *,
    on_put: Callable[[str], None] = _unheard,
) -> None:
    """Make the dataset, its tables and views, and the tables of these embeddings. Idempotent.

    ``on_put`` is told the name of each table and view of fixed name, once it is there.

    Raises:
        TransientError, ConfigurationError: see ``failures``.
    """
    await client.create_dataset()
    for ledger in LEDGERS:
        await client.create_table(ledger)
        on_put(ledger.name)
    names = client.place.names()
    for view in VIEWS:
        await client.put_view(view.name, view.sql(names), view.description)
        on_put(view.name)
    await put_embeddings(client, parts, afresh=True)


async def put_embeddings(
    client: BigQueryClient, parts: Iterable[EmbeddingPart], *, afresh: bool = False
) -> None:
    """Make the tables of these embeddings, and let the views over all of them show them too."""
    there = set(await embeddings_tables(client))
    ledgers = {
        ledger.name: ledger for ledger in (ledger_of(part.model, part.dimension) for part in parts)
    }
    new = [ledger for name, ledger in ledgers.items() if name not in there]
    for ledger in new:
        await client.create_table(ledger)
    if not (new or afresh or await _are_hidden(client, ledgers)):
        return
    tables = sorted(there | set(ledgers))
    views = vector_views(tables)
    names = {name: client.place.table(name) for name in (*tables, *(view.name for view in views))}
    for view in views:
        await client.put_view(view.name, view.sql(names), view.description)


async def _are_hidden(client: BigQueryClient, tables: Iterable[str]) -> bool:
    """Return whether the view over all vectors lacks one of these tables, which another made."""
    view_text = await client.view_query(ALL_VECTORS)
    return any(client.place.table(table) not in view_text for table in tables)


async def embeddings_tables(client: BigQueryClient) -> list[str]:
    """Return the names of the tables of vectors there are."""
    return sorted(
        name
        for name, kind in (await client.tables()).items()
        if kind == "TABLE" and name.startswith(EMBEDDINGS_PREFIX)
    )


async def wrong_columns(client: BigQueryClient, ledger: Ledger) -> list[str]:
    """Return what is wrong with a ledger's table, one sentence a column; nothing when it fits.

    Raises:
        NotFoundError: there is no such table.
    """
    place = client.place
    there = await client.columns(f"{place.project}.{place.dataset}.{ledger.name}")
    wrong = []
    for column in bigquery_schema(ledger):
        actual_type = there.get(column["name"])
        if actual_type is None:
            wrong.append(f"{ledger.name}.{column['name']} is missing")
        elif actual_type != column["type"]:
            wrong.append(f"{ledger.name}.{column['name']} is {actual_type}, not {column['type']}")
    return wrong
