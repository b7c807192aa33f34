"""Creates a vector index in BigQuery, waits while it is built, and drops it.

BigQuery builds an index asynchronously after the statement that defines it, and keeps it up to
date; until then, a search compares the vectors that the index lacks. Creating is therefore one
statement and then polling, and can be resumed at any time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.search_facts import IndexRow, index_row, table_facts
from sightline.gcp.bigquery.search_plan import STORED, TableFacts, lists_for
from sightline.gcp.bigquery.search_sql import SPACES
from sightline.gcp.bigquery.tables import ALL_VECTORS, embeddings_tables
from sightline.ports.search import IndexState, Progress, nothing_embedded
from sightline.schema import embeddings_table

LOOK_EVERY_S = (2.0, 5.0, 10.0, 30.0)
"""Pauses between polls of the coverage; the last one repeats."""
TRIES = 5
"""The number of polls in a row after which a transient error is raised."""

CREATE = """
CREATE VECTOR INDEX IF NOT EXISTS `{name}`
ON {table}(embedding)
STORING ({stored})
OPTIONS (index_type = 'IVF', distance_type = 'COSINE', ivf_options = '{{"num_lists": {lists}}}')
"""

DROP = "DROP VECTOR INDEX IF EXISTS `{name}` ON {table}"

COUNT = "SELECT COUNT(*) FROM {table}"

Wait = Callable[[float], Awaitable[None]]


class BigQueryVectorIndexes:
    """Implements ``VectorIndexes`` for the dataset's tables of vectors."""

    def __init__(self, client: BigQueryClient, *, wait: Wait = asyncio.sleep) -> None:
        self._client = client
        self._wait = wait

    async def create(
        self, model: str, dimension: int, *, on_progress: Progress, wait: bool = True
    ) -> IndexState:
        """Create the index if it does not exist; with ``wait``, until it covers the whole table.

        Raises:
            NotFoundError: there are no vectors of this model and dimension.
            ConfigurationError: the table is too small, the existing index lacks a column, or
                BigQuery refuses or disables the index.
            TransientError: see ``sightline.gcp.failures``.
        """
        table, facts = await self._table(model, dimension)
        index = await self._read(table)
        if index is None:
            if facts.too_small:
                raise ConfigurationError(
                    f"{table} cannot be indexed yet: {facts.too_small}; until then, search compares"
                    " all of its vectors, which is exact and needs no index"
                )
            await self._client.execute(
                CREATE.format(
                    name=name_of(table),
                    table=self._client.place.table(table),
                    stored=", ".join(STORED),
                    lists=lists_for(facts.rows),
                )
            )
            index = await self._read(table)
        _check_columns(index)
        if wait:
            index = await self._covered(table, index, on_progress)
        return _state(table, facts, index)

    async def status(self, model: str, dimension: int) -> IndexState:
        """Return the coverage, the age and the stored columns of the index."""
        table, facts = await self._table(model, dimension)
        return _state(table, facts, await self._read(table))

    async def drop(self, model: str, dimension: int) -> bool:
        """Remove the index, whatever its name, and return whether there was one."""
        table = embeddings_table(model, dimension)
        if table not in await embeddings_tables(self._client):
            return False
        index = await self._read(table)
        if index is None:
            return False
        name = _checked(index.facts.name)
        await self._client.execute(DROP.format(name=name, table=self._client.place.table(table)))
        return True

    async def _covered(self, table: str, index: IndexRow | None, on_progress: Progress) -> IndexRow:
        """Return the index once it covers the table."""
        pauses = iter(LOOK_EVERY_S)
        pause = LOOK_EVERY_S[0]
        failures = 0
        while True:
            if index is not None:
                coverage = index.facts.coverage_percent
                on_progress(coverage, 100)
                if coverage >= 100:
                    return index
                if index.facts.status != "ACTIVE":
                    why = index.facts.unusable or index.facts.status.lower()
                    raise ConfigurationError(
                        f"the index {index.facts.name} will not be built: {why}; see `sightline"
                        " index status`, or `sightline index drop` it"
                    )
            pause = next(pauses, pause)
            await self._wait(pause)
            try:
                index = await self._read(table)
                failures = 0
            except TransientError:
                failures += 1
                if failures >= TRIES:
                    raise
                continue
            if index is None:
                raise ConfigurationError(
                    f"the index of {table} no longer exists: another process dropped it; run"
                    " `sightline index create` again"
                )

    async def _table(self, model: str, dimension: int) -> tuple[str, TableFacts]:
        table = embeddings_table(model, dimension)
        tables = await embeddings_tables(self._client)
        if table in tables:
            facts = await table_facts(self._client, table)
            name = self._client.place.table(table)
            # The table's facts may not yet count rows that were just appended.
            rows = facts.rows or int(await self._client.value(COUNT.format(table=name)))
            if rows:
                return table, TableFacts(rows, facts.bytes)
        existing = {}
        if tables:
            every = self._client.place.table(ALL_VECTORS)
            counted = await self._client.rows(SPACES.format(rows=every))
            existing = {(row[0], int(row[1])): int(row[2]) for row in counted}
        raise nothing_embedded(model, dimension, existing)

    async def _read(self, table: str) -> IndexRow | None:
        return await index_row(self._client, table)


def name_of(table: str) -> str:
    """Return the name of the index of a table of vectors."""
    return f"{table}_cosine"


def _checked(name: str) -> str:
    """Return an index's name, checked since a statement contains it."""
    if not name.replace("_", "a").replace("-", "a").isalnum():
        raise ConfigurationError(
            f"{name[:80]!r} is not a valid name of an index; drop it in the console"
        )
    return name


def _check_columns(index: IndexRow | None) -> None:
    lacking = [name for name in STORED if index is not None and name not in index.facts.stored]
    if index is not None and lacking:
        raise ConfigurationError(
            f"the index {index.facts.name} does not store {', '.join(lacking)}; run `sightline"
            " index drop`, then `sightline index create`"
        )


def _state(table: str, facts: TableFacts, row: IndexRow | None) -> IndexState:
    if row is None:
        why = facts.too_small or "`sightline index create` creates one"
        return IndexState(name_of(table), "none", facts.rows, 0, f"there is no index: {why}")
    index = row.facts
    percent = index.coverage_percent
    covered = min(facts.rows, facts.rows * percent // 100)
    if index.unusable and (percent > 0 or index.status != "ACTIVE"):
        condition, detail = "unusable", index.unusable
    elif percent <= 0:
        condition, detail = "building", f"{index.unusable}; searches compare all meanwhile"
        if facts.too_small:
            condition, detail = "unusable", f"BigQuery does not fill it: {facts.too_small}"
    elif percent < 100:
        condition, detail = "behind", f"it covers {percent} %; searches compare the rest as well"
    else:
        condition, detail = "ready", "it covers every vector"
    return IndexState(
        index.name,
        condition,  # type: ignore[arg-type]  # one of the literals above
        facts.rows,
        covered,
        detail,
        lists=index.lists,
        stored=tuple(sorted(index.stored)),
        created_at=row.created_at,
        refreshed_at=row.refreshed_at,
        bytes=row.bytes,
    )
