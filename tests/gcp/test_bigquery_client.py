"""Statements, tables, views and errors on the BigQuery emulator."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from sightline.errors import ConfigurationError, NotFoundError, TransientError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace, checked_table
from sightline.gcp.bigquery.tables import put_embeddings, put_tables, wrong_columns
from sightline.model import EmbeddingPart
from sightline.schema import LEDGERS, RUNS, VIEWS, embeddings_ledger
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.warehouse_rig import open_dataset, place_in

pytestmark = pytest.mark.needs("go")


@pytest.fixture
async def client(bigquery_emulator: BigQueryEmulator) -> AsyncIterator[BigQueryClient]:
    async with open_dataset(bigquery_emulator, [EmbeddingPart("demo-1", 4)]) as client:
        yield client


async def test_all_tables_and_views_are_created_and_can_be_queried(client: BigQueryClient) -> None:
    there = await client.tables()
    assert {ledger.name for ledger in LEDGERS} < {
        name for name, kind in there.items() if kind == "TABLE"
    }
    views = {name for name, kind in there.items() if kind == "VIEW"}
    assert {view.name for view in VIEWS} < views
    for name in views:
        assert await client.value(f"SELECT count(*) FROM {client.place.table(name)}") == 0


async def test_creating_the_tables_twice_changes_nothing(client: BigQueryClient) -> None:
    before = await client.tables()
    await put_tables(client)
    assert await client.tables() == before


async def test_a_second_model_joins_the_view_over_all_vectors(client: BigQueryClient) -> None:
    await put_embeddings(client, [EmbeddingPart("other", 8)])
    for table in ("embeddings_demo_1_4", "embeddings_other_8"):
        await client.execute(
            f"INSERT INTO {client.place.table(table)} (part_key, subject_id, model, dimension,"
            " run_id, worker_id, written_at, attempt)"
            " VALUES (@key, 's', 'm', 4, 'r', 'w', @at, 1)",
            key=table,
            at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    rows = await client.rows(f"SELECT part_key FROM {client.place.table('embeddings')} ORDER BY 1")
    assert rows == [("embeddings_demo_1_4",), ("embeddings_other_8",)]


async def test_a_table_that_another_process_created_joins_the_view(client: BigQueryClient) -> None:
    await client.create_table(embeddings_ledger("made-by-pulumi", 8))
    assert "embeddings_made_by_pulumi_8" not in await client.view_query("embeddings_rows")
    await put_embeddings(client, [EmbeddingPart("made-by-pulumi", 8)])
    for view in ("embeddings_rows", "embeddings_all", "embeddings"):
        assert "embeddings_made_by_pulumi_8" in await client.view_query(view)
    assert await client.view_query("nothing") == ""


async def test_values_are_bound_and_never_part_of_the_statement(client: BigQueryClient) -> None:
    nasty = "x' OR 1=1; DROP TABLE t; --"
    row = await client.rows(
        "SELECT @text, @number, @real, @yes, @at, ARRAY_LENGTH(@keys)",
        text=nasty,
        number=7,
        real=0.5,
        yes=True,
        at=datetime(2026, 5, 4, 12, tzinfo=UTC),
        keys=["a", "b"],
    )
    assert row == [(nasty, 7, 0.5, True, datetime(2026, 5, 4, 12, tzinfo=UTC), 2)]


async def test_a_column_of_the_wrong_type_is_named(client: BigQueryClient) -> None:
    assert await wrong_columns(client, RUNS) == []
    place = client.place
    await client.execute(f"DROP TABLE {place.table('runs')}")
    await client.execute(f"CREATE TABLE {place.table('runs')} (run_id STRING, messages STRING)")
    wrong = await wrong_columns(client, RUNS)
    assert "runs.messages is STRING, not INTEGER" in wrong
    assert "runs.request is missing" in wrong


async def test_a_refusal_is_an_error_of_one_line(client: BigQueryClient) -> None:
    with pytest.raises(ConfigurationError, match="refuses") as caught:
        await client.rows("SELEC 1")
    assert "\n" not in str(caught.value)
    with pytest.raises((NotFoundError, ConfigurationError)):
        await client.columns(f"{client.place.project}.{client.place.dataset}.nothing")


async def test_an_unreachable_server_is_a_transient_error(
    bigquery_emulator: BigQueryEmulator,
) -> None:
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{occupied.getsockname()[1]}"
        async with BigQueryClient.open(BigQueryPlace("p", "d", endpoint=gone)) as client:
            with pytest.raises(TransientError, match="out of reach"):
                await client.rows("SELECT 1")


def test_invalid_names_are_refused(bigquery_emulator: BigQueryEmulator) -> None:
    place = place_in(bigquery_emulator)
    with pytest.raises(ConfigurationError, match="not a valid name of a table"):
        place.table("a`; DROP")
    with pytest.raises(ConfigurationError, match=r"bigquery\.dataset"):
        BigQueryPlace("p", "a-b`")
    with pytest.raises(ConfigurationError, match=r"bigquery\.source"):
        checked_table("only.two", "bigquery.source")
    assert checked_table("p-1.d.t", "bigquery.source") == "`p-1.d.t`"
