"""Searches embedded images: applies filters, then ranks the remaining vectors.

If ``search_plan`` chooses an index, the search uses it; otherwise it compares every vector that
passes the filters, which is exact. BigQuery bills the vectors of the table for that: 4 kB an image
at 512 dimensions.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sightline.errors import NotFoundError
from sightline.gcp.bigquery.answered import answered
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.hits import answers_of, observations_of
from sightline.gcp.bigquery.search_facts import index_row, table_facts
from sightline.gcp.bigquery.search_plan import (
    IndexFacts,
    Plan,
    SearchRequest,
    TableFacts,
    choose,
    exact_instead,
    index_matters,
)
from sightline.gcp.bigquery.search_sql import (
    COUNT_ALLOWED,
    COUNT_NEWEST,
    NEWEST,
    SPACES,
    VECTOR_OF,
    nearest,
)
from sightline.gcp.bigquery.selection import BigQueryCondition, condition
from sightline.gcp.bigquery.tables import ALL_VECTORS, embeddings_tables
from sightline.ports import SearchHit, SearchPlan, SearchQuery
from sightline.ports.search import (
    NEWEST_SHOWN,
    check_length,
    not_embedded,
    nothing_embedded,
    nothing_enqueued,
)
from sightline.schema import embeddings_table

log = logging.getLogger(__name__)


class Counted(NamedTuple):
    """The number of rows in a table of vectors, and of those that pass the filters."""

    rows: int
    allowed: int


class BigQuerySearch:
    """Implements ``Search`` over the dataset's tables of vectors."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client

    async def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Return the best hits, best first; hits with equal scores are ordered by image id.

        Without a vector, returns the newest images that pass the filters, embedded or not.

        Raises:
            NotFoundError: there are no vectors of this model and dimension, or, without a vector in
                the query, nothing was ever enqueued.
            ConfigurationError: the vector has another length, or a filter is invalid.
            TransientError: see ``sightline.gcp.failures``.
        """
        check_length(query)
        images = await (self._newest(query) if query.vector is None else self._nearest(query))
        observations = await observations_of(
            self._client, [row[:-1] for row in images], whole=query.details
        )
        answers = (
            await answers_of(self._client, observations) if query.details else [{}] * len(images)
        )
        return [
            SearchHit(observation, row[-1], answers_of_image)
            for row, observation, answers_of_image in zip(
                images, observations, answers, strict=True
            )
        ]

    async def explain(self, query: SearchQuery) -> SearchPlan:
        """Return how ``search`` would run, and the bytes that it would read.

        Counts the rows that pass the filters; the search itself is only run dry.
        """
        check_length(query)
        where = self._where(query)
        if query.vector is None:
            return await self._explain_newest(query, where)
        table = await self._table(query.model, query.dimension)
        name = self._client.place.table(table)
        count = COUNT_ALLOWED.format(table=name, where=where.sql)
        allowed = int(await self._client.value(count, model=query.model, **_bound(where)))
        every = COUNT_ALLOWED.format(table=name, where="true")
        rows = int(await self._client.value(every, model=query.model))
        if not rows:
            raise await self._nothing_embedded(query.model, query.dimension)
        index, plan = await self._plan(query, table, where, Counted(rows, allowed))
        statement = nearest(
            plan, table=name, where=where.sql, top=query.top, vector=query.vector
        ).strip()
        values = _values(query, plan) | where.values
        lists = index.lists if index is not None and plan.method == "index" else None
        return SearchPlan(
            plan.method,
            plan.reason,
            rows,
            allowed,
            allowed if plan.method == "exact" else round(allowed * plan.fraction),
            lists=lists,
            probes=max(1, round(lists * plan.fraction)) if lists else None,
            bytes_read=await self._client.dry_run(statement, **values),
            statement=statement,
        )

    async def check(self, model: str, dimension: int) -> None:
        """Check that there are vectors of this model and dimension.

        Raises:
            NotFoundError: there are none; the message lists the existing ones.
        """
        table = await self._table(model, dimension)
        if not await self._has_rows(table):
            raise await self._nothing_embedded(model, dimension)

    async def vector_of(self, observation_id: str, model: str, dimension: int) -> Sequence[float]:
        """Return the vector of an image.

        Raises:
            NotFoundError: the image has no vector of this model and dimension.
        """
        table = await self._table(model, dimension)
        rows = await self._client.rows(
            VECTOR_OF.format(table=self._client.place.table(table)),
            model=model,
            dimension=dimension,
            observation_id=observation_id,
        )
        if rows:
            return [float(number) for number in rows[0][0]]
        await self.check(model, dimension)
        raise not_embedded(observation_id, model, dimension)

    async def _nearest(self, query: SearchQuery) -> list[tuple[Any, ...]]:
        table = await self._table(query.model, query.dimension)
        where = self._where(query)
        _, plan = await self._plan(query, table, where)
        rows = await self._by(plan, query, table, where)
        if len(rows) < plan.expected:
            plan = exact_instead(plan)
            log.warning("comparing all: %s", plan.reason)
            rows = await self._by(plan, query, table, where)
        if not rows and not await self._has_rows(table):
            raise await self._nothing_embedded(query.model, query.dimension)
        return rows

    async def _by(
        self, plan: Plan, query: SearchQuery, table: str, where: BigQueryCondition
    ) -> list[tuple[Any, ...]]:
        statement = nearest(
            plan,
            table=self._client.place.table(table),
            where=where.sql,
            top=query.top,
            vector=() if query.vector is None else query.vector,
        )
        return await self._client.rows(statement, **(_values(query, plan) | where.values))

    async def _plan(
        self,
        query: SearchQuery,
        table: str,
        where: BigQueryCondition,
        counted: Counted | None = None,
    ) -> tuple[IndexFacts | None, Plan]:
        """Return the index and the plan; rows are counted only where it matters."""
        facts = await self.table_facts(table)
        request = SearchRequest(query.top, query.is_filtered, bool(query.answers))
        if counted is not None:
            facts = TableFacts(max(counted.rows, facts.rows), facts.bytes)
            request = replace(request, allowed=counted.allowed)
        index = None
        # A query without direction has no nearest.
        if index_matters(facts, request) and _has_direction(query):
            index = await self.index_facts(table)
        usable = index is not None and not index.unusable
        if usable and request.filtered and request.allowed is None:
            count = COUNT_ALLOWED.format(table=self._client.place.table(table), where=where.sql)
            allowed = await self._client.value(count, model=query.model, **_bound(where))
            request = replace(request, allowed=int(allowed))
        return index, choose(facts, index, request)

    async def table_facts(self, table: str) -> TableFacts:
        """Return how large a table of vectors is."""
        return await table_facts(self._client, table)

    async def index_facts(self, table: str) -> IndexFacts | None:
        """Return the index of a table of vectors."""
        index = await index_row(self._client, table)
        return index.facts if index else None

    async def _newest(self, query: SearchQuery) -> list[tuple[Any, ...]]:
        where = self._where(query)
        rows = await self._client.rows(self._newest_sql(query, where), **_bound(where))
        if not rows and not await self._has_rows("observations"):
            raise nothing_enqueued()
        return rows

    def _newest_sql(self, query: SearchQuery, where: BigQueryCondition) -> str:
        images = self._client.place.table("observations_current")
        return NEWEST.format(table=images, where=where.sql, top=int(query.top))

    async def _explain_newest(self, query: SearchQuery, where: BigQueryCondition) -> SearchPlan:
        images = self._client.place.table("observations_current")
        every = COUNT_NEWEST.format(table=images, where="true")
        rows = int(await self._client.value(every))
        if not rows:
            raise nothing_enqueued()
        count = COUNT_NEWEST.format(table=images, where=where.sql)
        allowed = int(await self._client.value(count, **_bound(where)))
        statement = self._newest_sql(query, where).strip()
        return SearchPlan(
            "newest",
            NEWEST_SHOWN,
            rows,
            allowed,
            0,
            bytes_read=await self._client.dry_run(statement, **_bound(where)),
            statement=statement,
        )

    def _where(self, query: SearchQuery) -> BigQueryCondition:
        parts = [condition(query.filter), *answered(self._client.place, query.answers)]
        if query.leave_out is not None:
            values: dict[str, Any] = {"leave_out": query.leave_out}
            parts.append(BigQueryCondition("observation_id <> @leave_out", values))
        return BigQueryCondition(
            " AND ".join(f"({condition.sql})" for condition in parts),
            {name: value for condition in parts for name, value in condition.values.items()},
        )

    async def _table(self, model: str, dimension: int) -> str:
        """Return the table of these vectors.

        Raises:
            NotFoundError: the table does not exist.
        """
        table = embeddings_table(model, dimension)
        if table not in await embeddings_tables(self._client):
            raise await self._nothing_embedded(model, dimension)
        return table

    async def _has_rows(self, table: str) -> bool:
        name = self._client.place.table(table)
        return bool(await self._client.value(f"SELECT COUNT(*) FROM {name}"))  # noqa: S608 - checked

    async def _nothing_embedded(self, model: str, dimension: int) -> NotFoundError:
        """Return the error, which lists the models and dimensions of the existing vectors."""
        if not await embeddings_tables(self._client):
            return nothing_embedded(model, dimension, {})
        rows = self._client.place.table(ALL_VECTORS)
        counted = await self._client.rows(SPACES.format(rows=rows))
        return nothing_embedded(model, dimension, {(row[0], row[1]): row[2] for row in counted})


def _has_direction(query: SearchQuery) -> bool:
    return query.vector is not None and any(query.vector)


def _bound(where: BigQueryCondition) -> dict[str, Any]:
    return dict(where.values)


def _values(query: SearchQuery, plan: Plan) -> dict[str, Any]:
    vector = [] if query.vector is None else [float(number) for number in query.vector]
    values: dict[str, Any] = {"model": query.model}
    if plan.method == "exact":
        values["dimension"] = query.dimension
    if any(vector):
        values["vector"] = [repr(number) for number in vector]
    return values
