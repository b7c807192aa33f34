"""Reads the vectors of a dataset page by page.

BigQuery bills all vectors of the table for that: 4 kB an image at 512 dimensions. The client
receives them as JSON, about 10 kB an image.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.search import BigQuerySearch
from sightline.gcp.bigquery.selection import condition
from sightline.ports import EmbeddedImage, VectorPage, VectorQuery
from sightline.schema import embeddings_table

PAGE_ROWS = 500
"""BigQuery cuts a page of JSON at 20 MB."""

COUNT = """
SELECT COUNT(DISTINCT part_key) FROM {table}
WHERE model = @model AND observation_id IS NOT NULL AND {where}
"""

VECTORS = """
SELECT observation_id, COALESCE(asset_id, ''), COALESCE(asset_type, ''), COALESCE(gcs_uri, ''),
  latitude, longitude, capture_time, embedding
FROM {table}
WHERE model = @model AND dimension = @dimension AND ARRAY_LENGTH(embedding) = @dimension
  AND observation_id IS NOT NULL AND {where}
QUALIFY ROW_NUMBER() OVER (PARTITION BY part_key ORDER BY written_at, worker_id, attempt) = 1
"""


class BigQueryVectors:
    """The vectors of the client's dataset."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client

    async def count(self, query: VectorQuery) -> int:
        """Count the images that have a vector and pass the filter.

        Raises:
            NotFoundError: there are no vectors of this model and dimension.
        """
        await BigQuerySearch(self._client).check(query.model, query.dimension)
        where = condition(query.filter)
        statement = COUNT.format(table=self._table(query), where=where.sql)
        values: dict[str, Any] = {"model": query.model, **where.values}
        return int(await self._client.value(statement, **values))

    async def pages(self, query: VectorQuery) -> AsyncIterator[VectorPage]:
        """Yield the vectors page by page, in constant memory and in no particular order."""
        import numpy as np

        where = condition(query.filter)
        values: dict[str, Any] = {
            "model": query.model,
            "dimension": query.dimension,
            **where.values,
        }
        statement = VECTORS.format(table=self._table(query), where=where.sql)
        async for page in self._client.pages(statement, page_rows=PAGE_ROWS, **values):
            if page:
                vectors = np.array([row[-1] for row in page], dtype=np.float32)
                yield VectorPage([EmbeddedImage(*row[:-1]) for row in page], vectors)

    def _table(self, query: VectorQuery) -> str:
        return self._client.place.table(embeddings_table(query.model, query.dimension))
