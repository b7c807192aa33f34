"""Search in BigQuery beyond the contract of its port, on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from sightline.errors import NotFoundError
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.runs import BigQueryRuns
from sightline.gcp.bigquery.search import BigQuerySearch
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.model import EmbeddingPart, Filter
from sightline.ports import AnswerFilter, EmbeddingRow, SearchQuery
from sightline.schema import embeddings_table
from tests.contracts.warehouse_rig import NOW, observation, task
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.test_bigquery_writer import HOW, PART, answer
from tests.gcp.warehouse_rig import ONE_AT_A_TIME, open_dataset

pytestmark = pytest.mark.needs("go")

NASTY = "x' OR true; DROP TABLE runs; -- \\ \" \n\x1f"


@pytest.fixture
async def client(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[BigQueryClient]:
    async with open_dataset(bigquery_with_ledgers, [PART]) as client:
        yield client


@pytest.fixture
async def writer(client: BigQueryClient) -> AsyncIterator[BigQueryWriter]:
    async with LedgerAppender.open(client.place, rule=ONE_AT_A_TIME) as appender:
        yield BigQueryWriter(appender, client)


def embedded(number: int, *vector: float) -> EmbeddingRow:
    """Return the embedding of an image."""
    image = observation(number)
    return EmbeddingRow(f"key-{number}", image.observation_id, image, PART, vector, HOW)


def query(vector: object, **changes: object) -> SearchQuery:
    """Return a query in the space of the embeddings."""
    return SearchQuery("demo-1", 4, vector, **changes)  # type: ignore[arg-type]  # real fields


async def test_a_vector_may_be_numpy_s_and_a_filter_any_text(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    await writer.write([embedded(1, 1.0, 0.0, 0.0, 0.0), embedded(2, 0.0, 1.0, 0.0, 0.0)])
    search = BigQuerySearch(client)
    near = np.array([0.1, 1e-05, 0.0, 0.0], dtype=np.float32)
    hits = await search.search(query(near))
    assert [hit.observation for hit in hits] == [observation(1), observation(2)]
    assert [hit.score for hit in hits] == pytest.approx([1.0, 1e-4], abs=1e-6)
    for field in ("kind", NASTY):
        search_query = query(near, answers=(AnswerFilter(NASTY, field, NASTY),))
        assert await search.search(search_query) == []
    assert await search.search(query(near, filter=Filter(asset_types=(NASTY,)))) == []
    assert "runs" in await client.tables()


async def test_a_vector_of_another_length_in_the_table_is_skipped(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    await writer.write([embedded(number, 1.0, 0.0, 0.0, 0.0) for number in (1, 2)])
    table = client.place.table(embeddings_table(PART.model, PART.dimension))
    first = observation(1).observation_id
    await client.execute(f"UPDATE {table} SET embedding = [1.0] WHERE observation_id = '{first}'")
    hits = await BigQuerySearch(client).search(query([1.0, 0.0, 0.0, 0.0]))
    assert [hit.observation for hit in hits] == [observation(2)]


async def test_a_missing_table_and_an_empty_one_are_reported_alike(
    client: BigQueryClient,
) -> None:
    search = BigQuerySearch(client)
    for part in (PART, EmbeddingPart("other", 2)):
        search_query = SearchQuery(part.model, part.dimension, [1.0] * part.dimension)
        with pytest.raises(NotFoundError, match=rf"{part.model} at {part.dimension} dimensions"):
            await search.search(search_query)
    with pytest.raises(NotFoundError, match="no image was enqueued yet"):
        await search.search(query(None))


async def test_an_incomplete_position_is_dropped(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    row = embedded(1, 1.0, 0.0, 0.0, 0.0)
    await writer.write([replace(row, observation=replace(row.observation, latitude=None))])
    (hit,) = await BigQuerySearch(client).search(query([1.0, 0.0, 0.0, 0.0]))
    assert (hit.observation.latitude, hit.observation.longitude) == (None, None)


async def test_several_answers_must_all_hold(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    async with LedgerAppender.open(client.place, rule=ONE_AT_A_TIME) as appender:
        await BigQueryRuns(client, appender).remember_task(task(), now=NOW)
    rows = [embedded(number, 1.0, 0.0, 0.0, 0.0) for number in (1, 2)]
    answers = [
        answer(number, observation(number), answer_json=f'{{"kind":"stop","count":{number}}}')
        for number in (1, 2)
    ]
    await writer.write([*rows, *answers])
    both = (AnswerFilter("signs", "kind", "stop"), AnswerFilter("signs", "count", "2.0"))
    (hit,) = await BigQuerySearch(client).search(query([1.0, 0.0, 0.0, 0.0], answers=both))
    assert hit.observation == observation(2)
    assert hit.answers == {"signs": {"kind": "stop", "count": 2}}
