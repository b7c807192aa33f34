"""Search by an index, on the emulator, where only the call of VECTOR_SEARCH is replaced."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from sightline.errors import ConfigurationError, NotFoundError
from sightline.gcp.bigquery import search as search_module
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.search import BigQuerySearch
from sightline.gcp.bigquery.search_plan import Plan, SearchRequest
from sightline.gcp.bigquery.search_sql import nearest
from sightline.gcp.bigquery.selection import condition
from sightline.gcp.bigquery.vector_index import CREATE, DROP, BigQueryVectorIndexes
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.model import BoundingBox, Filter, Radius
from sightline.ports import AnswerFilter, EmbeddingRow, SearchHit, SearchQuery
from tests.contracts.warehouse_rig import NOW, POLE, SIGN, observation
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.test_bigquery_writer import HOW, PART
from tests.gcp.vector_search_stand_in import ReplacedCallClient, SearchByIndex, call_of
from tests.gcp.warehouse_rig import ONE_AT_A_TIME, open_dataset

pytestmark = pytest.mark.needs("go")

COUNT = 60
SQUARE = "POLYGON ((5.0105 52, 5.0305 52, 5.0305 53, 5.0105 53, 5.0105 52))"
EVERYTHING = Filter(
    asset_types=(POLE, SIGN),
    captured_from=NOW - timedelta(days=50),
    captured_until=NOW - timedelta(days=3),
    box=BoundingBox(5.0, 52.0, 5.05, 52.05),
    radius=Radius(52.02, 5.02, 5_000.0),
    polygon_wkt=SQUARE,
)


@pytest.fixture
async def client(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[BigQueryClient]:
    async with open_dataset(bigquery_with_ledgers, [PART]) as client:
        yield client


@pytest.fixture
async def replaced_call_client(client: BigQueryClient) -> AsyncIterator[ReplacedCallClient]:
    async with ReplacedCallClient.open(client.place) as replaced_call_client:
        yield replaced_call_client


@pytest.fixture
async def writer(client: BigQueryClient) -> AsyncIterator[BigQueryWriter]:
    async with LedgerAppender.open(client.place, rule=ONE_AT_A_TIME) as appender:
        yield BigQueryWriter(appender, client)


@pytest.fixture
def always_by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the policy always choose the index; it has its own tests."""

    def choose(table: object, index: object, request: SearchRequest) -> Plan:
        return Plan("index", "told so", 2 * request.top + 50, 0.05)

    monkeypatch.setattr(search_module, "choose", choose)


def embedded() -> list[EmbeddingRow]:
    """Return embeddings in clusters, two of each image's neighbours equal to it."""
    chance = np.random.default_rng(7)
    centres = chance.standard_normal((5, 4))
    vectors = centres[np.arange(COUNT) // 2 % 5] + 0.3 * chance.standard_normal((COUNT, 4))
    vectors[10:13] = vectors[9]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    rows = []
    for number, vector in enumerate(vectors):
        image = observation(number)
        row = EmbeddingRow(f"key-{number}", image.observation_id, image, PART, vector.tolist(), HOW)
        rows.append(row)
    return rows


def query(vector: Sequence[float], **changes: Any) -> SearchQuery:
    """Return a query in the space of the embeddings."""
    return SearchQuery("demo-1", 4, vector, **changes)


def scored(hits: Sequence[SearchHit]) -> list[tuple[str, float]]:
    """Return the hits, with scores rounded to single precision."""
    return [(hit.observation.observation_id, round(hit.score or 0.0, 5)) for hit in hits]


async def test_a_large_table_is_searched_by_its_index_unless_a_filter_leaves_little(
    replaced_call_client: ReplacedCallClient, writer: BigQueryWriter
) -> None:
    rows = embedded()
    await writer.write(rows)
    search = SearchByIndex(replaced_call_client)
    await search.search(query(rows[0].vector))
    assert len(replaced_call_client.statements) == 1
    narrow = query(rows[0].vector, filter=Filter(asset_types=(POLE,)))
    assert {hit.observation.asset_type for hit in await search.search(narrow)} == {POLE}
    answered = query(rows[0].vector, answers=(AnswerFilter("signs", "kind", "stop"),))
    assert await search.search(answered) == []
    assert len(await search.search(query([0.0] * 4))) == 10  # without direction, none is nearest
    assert len(replaced_call_client.statements) == 1


async def test_too_few_hits_of_an_index_are_replaced_by_an_exact_search(
    replaced_call_client: ReplacedCallClient,
    writer: BigQueryWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = embedded()
    await writer.write(rows)
    # One row is fetched: so few are left where the filter comes too late.
    monkeypatch.setattr(
        search_module, "choose", lambda *_: Plan("index", "told so", 1, 0.05, expected=10)
    )
    search_query = query(rows[9].vector, filter=Filter(asset_types=(POLE,)))
    hits = await SearchByIndex(replaced_call_client).search(search_query)
    assert len(replaced_call_client.statements) == 1
    monkeypatch.setattr(search_module, "choose", lambda *_: Plan("exact", "told so"))
    assert scored(hits) == scored(await BigQuerySearch(replaced_call_client).search(search_query))
    assert len(hits) == 10


@pytest.mark.usefixtures("always_by_index")
async def test_a_plan_by_the_index_has_its_lists_its_statement_and_its_bytes(
    replaced_call_client: ReplacedCallClient, writer: BigQueryWriter
) -> None:
    rows = embedded()
    await writer.write(rows)
    plan = await SearchByIndex(replaced_call_client).explain(query(rows[0].vector))
    assert (plan.method, plan.reason, plan.bytes_read) == ("index", "told so", 12_345)
    assert (plan.lists, plan.probes, plan.rows, plan.compared) == (1000, 50, COUNT, 3)
    assert plan.statement == replaced_call_client.statements[0]
    assert plan.statement.startswith("SELECT observation_id")


@pytest.mark.usefixtures("always_by_index")
async def test_the_statement_filters_first_and_names_the_cosine_distance(
    replaced_call_client: ReplacedCallClient, writer: BigQueryWriter
) -> None:
    rows = embedded()
    await writer.write(rows)
    search_query = query(rows[0].vector, top=3, filter=EVERYTHING, leave_out="obs-000")
    hits = await SearchByIndex(replaced_call_client).search(search_query)
    assert "obs-000" not in {hit.observation.observation_id for hit in hits}
    (statement,) = replaced_call_client.statements
    _, _, (base, column, _, *named) = call_of(statement)
    assert column == "'embedding'"
    assert named == [
        "top_k => 56",
        "distance_type => 'COSINE'",
        "options => '{\"fraction_lists_to_search\": 0.05}'",
    ]
    where = base.partition("WHERE")[2]
    assert re.search(r"\bembedding\b|\bSELECT\b", where) is None
    for name in ("asset_types", "captured_from", "box_west", "radius_m", "polygon", "leave_out"):
        assert f"@{name}" in where


async def test_tables_of_an_emulator_have_no_index(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    indexes = BigQueryVectorIndexes(client)
    with pytest.raises(NotFoundError, match="nothing was embedded by demo-1 at 4"):
        await indexes.status("demo-1", 4)
    await writer.write(embedded())
    state = await indexes.status("demo-1", 4)
    assert (state.condition, state.rows) == ("none", COUNT)
    with pytest.raises(ConfigurationError, match=f"{COUNT} rows are fewer than the 5,000"):
        await indexes.create("demo-1", 4, on_progress=lambda *_: None)
    assert await indexes.drop("demo-1", 4) is False


async def refusal_of(client: BigQueryClient, statement: str, **values: Any) -> str:
    """Return the emulator's error about a statement."""
    with pytest.raises(ConfigurationError) as caught:
        await client.rows(statement, **values)
    return str(caught.value)


async def test_the_statements_that_no_emulator_runs_are_googlesql(client: BigQueryClient) -> None:
    where = condition(EVERYTHING)
    plan = Plan("index", "", 56, 0.05)
    table = client.place.table("embeddings_demo_1_4")
    by_index = nearest(plan, table=table, where=where.sql, top=3, vector=[1.0, 0, 0, 0])
    create = CREATE.format(name="i", table=table, stored="model, asset_type", lists=100)
    drop = DROP.format(name="i", table=table)
    values = {**where.values, "model": "m", "vector": ["1.0"] * 4}
    for statement, bound in ((by_index, values), (create, {}), (drop, {})):
        refusal = await refusal_of(client, statement, **bound)
        assert "yntax error" not in refusal, refusal
        assert "yntax error" in await refusal_of(client, f"{statement} )", **bound)
