"""Search over what was embedded: filters first, then the nearest of all vectors that are left.

Every vector that passes is compared, so that the result is exact. BigQuery bills the vectors of the
table for each search: 4 kB an image of 512 dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.errors import ConfigurationError, NotFoundError
from sightline.gcp.bigquery.answered import answered
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.hits import answers_of, observations_of
from sightline.gcp.bigquery.selection import Condition, condition
from sightline.gcp.bigquery.tables import embeddings_tables
from sightline.ports import Hit, SearchQuery
from sightline.schema import embeddings_table

_IMAGE = """observation_id, asset_id, snapshot_id, asset_type, gcs_uri, latitude, longitude,
  capture_time"""

NEAREST = f"""
SELECT {_IMAGE}, {{score}} AS score
FROM {{images}}
WHERE model = @model AND dimension = @dimension AND ARRAY_LENGTH(embedding) = @dimension
  AND observation_id IS NOT NULL AND {{where}}
ORDER BY score DESC, observation_id
LIMIT {{top}}
"""  # noqa: S608 - a constant

NEWEST = f"""
SELECT {_IMAGE}, NULL AS score
FROM {{images}}
WHERE {{where}}
ORDER BY capture_time DESC NULLS LAST, observation_id
LIMIT {{top}}
"""  # noqa: S608 - a constant

# The emulator takes arrays of texts alone as parameters.
_COSINE = """1 - COSINE_DISTANCE(embedding, ARRAY(
  SELECT CAST(number AS FLOAT64) FROM UNNEST(@vector) AS number WITH OFFSET AS place
  ORDER BY place))"""
_NO_DIRECTION = "0.0"
"""The score of all images for a query of zeros, which has no cosine."""


class BigQuerySearch:
    """``Search`` over the dataset's tables of vectors."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client

    async def search(self, query: SearchQuery) -> Sequence[Hit]:
        """Return the best hits, the best first; equal scores in the order of the images' ids.

        Without a vector they are the newest images that pass the filters, embedded or not.

        Raises:
            NotFoundError: nothing was embedded by this model at this dimension, or, without a
                vector, nothing was ever enqueued.
            ConfigurationError: the vector has another length, or a filter cannot be used.
            TransientError: see ``failures``.
        """
        if query.vector is not None and len(query.vector) != query.dimension:
            raise ConfigurationError(
                f"the query has {len(query.vector)} dimensions, {query.model} has "
                f"{query.dimension}; embed it with the same model"
            )
        images = await (self._newest(query) if query.vector is None else self._nearest(query))
        observations = await observations_of(self._client, [row[:-1] for row in images])
        answers = await answers_of(self._client, observations)
        return [
            Hit(observation, row[-1], found)
            for row, observation, found in zip(images, observations, answers, strict=True)
        ]

    async def _nearest(self, query: SearchQuery) -> list[tuple[Any, ...]]:
        assert query.vector is not None
        table = embeddings_table(query.model, query.dimension)
        if table not in await embeddings_tables(self._client):
            raise _nothing_embedded(query)
        vector = [float(one) for one in query.vector]
        where = self._where(query)
        values: dict[str, Any] = {"model": query.model, "dimension": query.dimension}
        if any(vector):
            values["vector"] = [repr(one) for one in vector]
        found = await self._client.rows(
            NEAREST.format(
                images=self._client.place.table(f"{table}_all"),
                score=_COSINE if any(vector) else _NO_DIRECTION,
                where=where.sql,
                top=int(query.top),
            ),
            **(values | where.values),
        )
        if not found and not await self._has_rows(table):
            raise _nothing_embedded(query)
        return found

    async def _newest(self, query: SearchQuery) -> list[tuple[Any, ...]]:
        where = self._where(query)
        images = self._client.place.table("observations_current")
        values: dict[str, Any] = where.values
        found = await self._client.rows(
            NEWEST.format(images=images, where=where.sql, top=int(query.top)), **values
        )
        if not found and not await self._has_rows("observations"):
            raise NotFoundError("no image was enqueued yet; run `sightline enqueue`")
        return found

    def _where(self, query: SearchQuery) -> Condition:
        parts = [condition(query.filter), *answered(self._client.place, query.answers)]
        return Condition(
            " AND ".join(f"({one.sql})" for one in parts),
            {name: value for one in parts for name, value in one.values.items()},
        )

    async def _has_rows(self, table: str) -> bool:
        name = self._client.place.table(table)
        return bool(await self._client.value(f"SELECT COUNT(*) FROM {name}"))  # noqa: S608 - checked


def _nothing_embedded(query: SearchQuery) -> NotFoundError:
    return NotFoundError(
        f"nothing was embedded by {query.model} at {query.dimension} dimensions; "
        "run `sightline enqueue` and `sightline work`"
    )
