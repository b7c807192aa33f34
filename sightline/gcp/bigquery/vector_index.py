"""The vector index of a table of vectors in BigQuery: made, watched while it is built, dropped.

BigQuery builds an index by itself after the statement that defines it, and keeps it up to date; a
search meanwhile compares what the index lacks. So creating is a statement and then watching, and
can be taken up again at any time.
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
"""Pauses between two looks at the coverage; the last one repeats."""
TRIES = 5
"""Looks in a row that may fail for a moment's reasons."""

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
    """``VectorIndexes`` of the dataset's tables of vectors."""

    def __init__(self, client: BigQueryClient, *, wait: Wait = asyncio.sleep) -> None:
        self._client = client
        self._wait = wait

    async def create(
        self, model: str, dimension: int, *, on_progress: Progress, wait: bool = True
    ) -> IndexState:
        """Make the index unless it is there, and return when it covers the whole table.

        Raises:
            NotFoundError: nothing was embedded by this model at this dimension.
            ConfigurationError: the table is too small, the index there is lacks a column, BigQuery
                refuses, or disables the index.
            TransientError: see ``failures``.
        """
        table, facts = await self._table(model, dimension)
        there = await self._look(table)
        if there is None:
            if facts.too_small:
                raise ConfigurationError(
                    f"{table} gets no index: {facts.too_small}; search compares all of its vectors"
                    " until then, which is exact and needs none"
                )
            await self._client.execute(
                CREATE.format(
                    name=name_of(table),
                    table=self._client.place.table(table),
                    stored=", ".join(STORED),
                    lists=lists_for(facts.rows),
                )
            )
            there = await self._look(table)
        _check_columns(there)
        if wait:
            there = await self._covered(table, there, on_progress)
        return _state(table, facts, there)

    async def status(self, model: str, dimension: int) -> IndexState:
        """Return the coverage, the age and the stored columns of the index."""
        table, facts = await self._table(model, dimension)
        return _state(table, facts, await self._look(table))

    async def drop(self, model: str, dimension: int) -> bool:
        """Remove the index, whatever it is called, and return whether there was one."""
        table = embeddings_table(model, dimension)
        if table not in await embeddings_tables(self._client):
            return False
        there = await self._look(table)
        if there is None:
            return False
        name = _checked(there.facts.name)
        await self._client.execute(DROP.format(name=name, table=self._client.place.table(table)))
        return True

    async def _covered(self, table: str, there: IndexRow | None, on_progress: Progress) -> IndexRow:
        """Return when the index covers the table."""
        pauses = iter(LOOK_EVERY_S)
        pause = LOOK_EVERY_S[0]
        failures = 0
        while True:
            if there is not None:
                coverage = there.facts.coverage_percent
                on_progress(coverage, 100)
                if coverage >= 100:
                    return there
                if there.facts.status != "ACTIVE":
                    why = there.facts.unusable or there.facts.status.lower()
                    raise ConfigurationError(
                        f"the index {there.facts.name} will not be built: {why}; see `sightline"
                        " index status`, or `sightline index drop` it"
                    )
            pause = next(pauses, pause)
            await self._wait(pause)
            try:
                there = await self._look(table)
                failures = 0
            except TransientError:
                failures += 1
                if failures >= TRIES:
                    raise
                continue
            if there is None:
                raise ConfigurationError(
                    f"the index of {table} is gone: another has dropped it; run `sightline index"
                    " create` again"
                )

    async def _table(self, model: str, dimension: int) -> tuple[str, TableFacts]:
        table = embeddings_table(model, dimension)
        tables = await embeddings_tables(self._client)
        if table in tables:
            facts = await table_facts(self._client, table)
            name = self._client.place.table(table)
            # What was appended a moment ago may not have been counted yet.
            rows = facts.rows or int(await self._client.value(COUNT.format(table=name)))
            if rows:
                return table, TableFacts(rows, facts.bytes)
        there = {}
        if tables:
            every = self._client.place.table(ALL_VECTORS)
            counted = await self._client.rows(SPACES.format(rows=every))
            there = {(row[0], int(row[1])): int(row[2]) for row in counted}
        raise nothing_embedded(model, dimension, there)

    async def _look(self, table: str) -> IndexRow | None:
        return await index_row(self._client, table)


def name_of(table: str) -> str:
    """Return what the index of a table of vectors is called."""
    return f"{table}_cosine"


def _checked(name: str) -> str:
    """Return an index's name, which stands in a statement."""
    if not name.replace("_", "a").replace("-", "a").isalnum():
        raise ConfigurationError(
            f"{name[:80]!r} is not a valid name of an index; drop it in the console"
        )
    return name


def _check_columns(there: IndexRow | None) -> None:
    lacking = [name for name in STORED if there is not None and name not in there.facts.stored]
    if there is not None and lacking:
        raise ConfigurationError(
            f"the index {there.facts.name} does not store {', '.join(lacking)}; run `sightline"
            " index drop`, then `sightline index create`"
        )


def _state(table: str, facts: TableFacts, there: IndexRow | None) -> IndexState:
    if there is None:
        why = facts.too_small or "`sightline index create` makes one"
        return IndexState(name_of(table), "none", facts.rows, 0, f"there is no index: {why}")
    index = there.facts
    percent = index.coverage_percent
    covered = min(facts.rows, facts.rows * percent // 100)
    if index.unusable and (percent > 0 or index.status != "ACTIVE"):
        condition, detail = "unusable", index.unusable
    elif percent <= 0:
        condition, detail = "building", f"{index.unusable}; searches compare all meanwhile"
        if facts.too_small:
            condition, detail = "unusable", f"BigQuery leaves it empty: {facts.too_small}"
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
        created_at=there.created_at,
        refreshed_at=there.refreshed_at,
        bytes=there.bytes,
    )
