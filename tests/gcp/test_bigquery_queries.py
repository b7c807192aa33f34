"""Users' queries on the BigQuery emulator: one SELECT, and no statement that writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery import queries
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.queries import current_answers, is_one_select, query
from sightline.gcp.bigquery.runs import BigQueryRuns
from sightline.gcp.bigquery.writer import BigQueryWriter
from tests.contracts.warehouse_rig import NOW, answer_part, task
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.test_bigquery_writer import answer
from tests.gcp.warehouse_rig import ONE_AT_A_TIME, open_dataset

needs_emulator = pytest.mark.needs("go")


@pytest.fixture
async def client(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[BigQueryClient]:
    async with open_dataset(bigquery_with_ledgers) as client:
        yield client


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "select 1;",
        "  (SELECT 1) UNION ALL (SELECT 2) ;\n",
        "WITH a AS (SELECT 1 AS n) SELECT n FROM a",
        "-- a comment; with a semicolon\nSELECT 1 # and; another",
        "/* DROP; */ SELECT ';', \"it's; fine\", `odd;name`, '''a;'b''', r'\\';'",
        "FROM runs |> SELECT run_id",
    ],
)
def test_one_select_is_recognised(text: str) -> None:
    assert is_one_select(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INSERT INTO runs (run_id) VALUES ('r')",
        "SELECT 1; SELECT 2",
        "SELECT '\\'; DROP TABLE runs; SELECT '; DROP TABLE runs",
        "SELECT 1 -- ; \n; DROP TABLE runs",
        "DROP TABLE runs",
        "/* SELECT */ DELETE FROM runs WHERE true",
        "EXPORT DATA OPTIONS (uri='gs://x/*') AS SELECT 1",
        "SELECTION",
        "BEGIN SELECT 1; END",
    ],
)
def test_anything_else_is_refused_without_a_request(text: str) -> None:
    assert not is_one_select(text)


@needs_emulator
async def test_a_query_returns_columns_and_rows(client: BigQueryClient) -> None:
    columns, rows = await query(client, "SELECT 1 AS one, 'x' AS two UNION ALL SELECT 2, 'y'")
    assert columns == ["one", "two"]
    assert sorted(rows) == [(1, "x"), (2, "y")]


@needs_emulator
async def test_tables_can_be_used_by_their_short_names(client: BigQueryClient) -> None:
    assert await query(client, "SELECT COUNT(*) AS count FROM runs_current") == (["count"], [(0,)])


@needs_emulator
async def test_a_statement_that_writes_is_refused(client: BigQueryClient) -> None:
    for text in ("DROP TABLE runs", "INSERT INTO runs (run_id) VALUES ('r')"):
        with pytest.raises(ConfigurationError, match="SELECT; pass one"):
            await query(client, text)
    assert await client.value(f"SELECT COUNT(*) FROM {client.place.table('runs')}") == 0


@needs_emulator
async def test_an_invalid_query_is_an_error_of_one_line(client: BigQueryClient) -> None:
    with pytest.raises(ConfigurationError) as raised:
        await query(client, "SELECT nothing FROM nowhere")
    assert "\n" not in str(raised.value)


@needs_emulator
async def test_a_result_with_too_many_rows_is_refused(
    client: BigQueryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_ROWS", 3)
    assert len((await query(client, "SELECT * FROM UNNEST([1, 2, 3])"))[1]) == 3
    with pytest.raises(ConfigurationError, match=r"more than 3 rows; .*LIMIT"):
        await query(client, "SELECT * FROM UNNEST([1, 2, 3, 4])")


@needs_emulator
async def test_a_query_that_would_read_too_much_is_not_run(
    client: BigQueryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "place", replace(client.place, max_bytes_billed=0))

    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(queries, "_run", never)
    with pytest.raises(ConfigurationError, match=r"would read .* GB.*bigquery\.max_gb_billed"):
        await query(client, "SELECT 1 AS a")


@needs_emulator
async def test_the_current_answers_are_those_of_the_active_version(client: BigQueryClient) -> None:
    edited = task(prompt="Really?")
    async with LedgerAppender.open(client.place, rule=ONE_AT_A_TIME) as appender:
        writer, runs = BigQueryWriter(appender, client), BigQueryRuns(client, appender)
        await runs.remember_task(edited, now=NOW)
        await writer.write(
            [
                answer(1, answer_json='{"kind": "stop"}'),
                answer(2, answer_json='{"kind": "yield"}', part=answer_part(edited)),
            ]
        )
    assert await current_answers(client) == {("obs-003", "signs"): {"kind": "yield"}}
