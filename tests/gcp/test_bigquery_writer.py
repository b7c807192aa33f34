"""Results written to real tables, on the BigQuery emulator, and errors of tables that differ."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import numpy as np
import pytest

from sightline.errors import ConfigurationError, Reason, TransientError
from sightline.gcp.bigquery.append import AppendRule, LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.gcp.retry import RetryRule
from sightline.model import EmbeddingPart, Observation, Usage
from sightline.ports import ClassificationRow, DeadLetterRow, EmbeddingRow, Provenance
from sightline.schema import LEDGERS, RUN_EVENTS, WORK_ITEMS, Ledger
from tests.contracts.warehouse_rig import NOW, answer_part, observation, task
from tests.gcp.append_server import Refuse, run_append_server
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.warehouse_rig import ONE_AT_A_TIME, open_dataset, place_in

pytestmark = pytest.mark.needs("go")

PART = EmbeddingPart("demo-1", 4)
TASK = answer_part(task())
AT = NOW + timedelta(microseconds=123_456)
HOW = Provenance(Usage(100, 20, 7), 350, 2, "run-1", "worker-1", AT)
SEEN = observation(3, latitude=None)
NASTY = "'\"\\\n\x1f é 日本 🙂"


def answer(number: int = 0, image: Observation = SEEN, **changes: Any) -> ClassificationRow:
    """Return an answer."""
    key = f"answer-{number}"
    row = ClassificationRow(key, image.observation_id, False, image, TASK, '{"a":1}', "STOP", HOW)
    return replace(row, **changes)


def embedding(number: int = 0, vector: Any = (0.6, 0.8, 0.0, 0.0)) -> EmbeddingRow:
    """Return an embedding."""
    return EmbeddingRow(f"embedding-{number}", SEEN.observation_id, SEEN, PART, vector, HOW)


def dead(number: int = 0) -> DeadLetterRow:
    """Return a dead letter."""
    return DeadLetterRow(
        f"event-{number}", "key", "m", "run-1", "obs-003", "dead", Reason.IMAGE_GONE, NASTY, 3,
        Usage(1, 2, 3), "{}", "worker-1", AT,
    )  # fmt: skip


@pytest.fixture
async def client(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[BigQueryClient]:
    async with open_dataset(bigquery_with_ledgers, [PART]) as client:
        yield client


@pytest.fixture
async def appender(client: BigQueryClient) -> AsyncIterator[LedgerAppender]:
    async with LedgerAppender.open(client.place, rule=ONE_AT_A_TIME) as appender:
        yield appender


@pytest.fixture
def writer(client: BigQueryClient, appender: LedgerAppender) -> BigQueryWriter:
    return BigQueryWriter(appender, client)


async def rows_of(client: BigQueryClient, table: str) -> list[dict[str, Any]]:
    """Return a table's rows, the earliest key first."""
    columns = list(await client.columns(f"{client.place.project}.{client.place.dataset}.{table}"))
    rows = await client.rows(f"SELECT * FROM {client.place.table(table)} ORDER BY 1")
    return [dict(zip(columns, row, strict=True)) for row in rows]


async def test_an_answer_is_read_as_it_was_written(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    nasty = answer(2, finish_reason=NASTY)
    await writer.write([answer(1, subject_id=SEEN.asset_id, by_asset=True), nasty])
    of_asset, of_image = await rows_of(client, "classifications")
    assert of_asset == {
        "part_key": "answer-1", "subject_id": "asset-001", "observation_id": None,
        "asset_id": "asset-001", "snapshot_id": "snap-1", "asset_type": SEEN.asset_type,
        "gcs_uri": SEEN.gcs_uri, "latitude": None, "longitude": SEEN.longitude,
        "capture_time": SEEN.capture_time, "task": TASK.task, "fingerprint": TASK.fingerprint,
        "model": TASK.model, "answer": {"a": 1}, "finish_reason": "STOP", "input_tokens": 100,
        "output_tokens": 20, "cost_usd_micros": 7, "latency_ms": 350, "attempt": 2,
        "run_id": "run-1", "worker_id": "worker-1", "written_at": AT,
    }  # fmt: skip
    assert (of_image["observation_id"], of_image["finish_reason"]) == ("obs-003", NASTY)


async def test_vectors_and_dead_letters_are_read_as_they_were_written(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    half = np.array([0.5, 0.5, 0.5, -0.5], dtype=np.float32)
    await writer.write([embedding(0), answer(), dead(), embedding(1, half)])
    listed, packed = await rows_of(client, "embeddings_demo_1_4")
    assert listed["embedding"] == [0.6, 0.8, 0.0, 0.0]
    assert packed["embedding"] == [0.5, 0.5, 0.5, -0.5]
    assert (packed["model"], packed["dimension"], packed["written_at"]) == ("demo-1", 4, AT)
    (event,) = await rows_of(client, "dead_letters")
    assert event == {
        "event_id": "event-0", "part_key": "key", "message_id": "m", "run_id": "run-1",
        "subject_id": "obs-003", "event": "dead", "reason": "image_gone", "detail": NASTY,
        "delivery_attempt": 3, "input_tokens": 1, "output_tokens": 2, "cost_usd_micros": 3,
        "body": "{}", "worker_id": "worker-1", "at": AT,
    }  # fmt: skip
    assert len(await rows_of(client, "classifications")) == 1


async def test_rows_of_several_requests_all_arrive(
    client: BigQueryClient, appender: LedgerAppender
) -> None:
    rows = [{"run_id": "r", "event": "cancelled", "start": n, "at": AT} for n in range(2_500)]
    await appender.append(RUN_EVENTS, rows)
    counts = await client.rows(
        "SELECT count(*), count(DISTINCT start), sum(start) FROM"
        f" {client.place.table('run_events')}"
    )
    assert counts == [(2_500, 2_500, sum(range(2_500)))]


async def test_arrays_of_texts_and_documents_are_read_as_they_were_written(
    client: BigQueryClient, appender: LedgerAppender
) -> None:
    row = {
        "run_id": "r", "bucket": 1, "seq": 0, "subject_id": "s", "asset_type": None,
        "observations": '[{"a":"é"}]', "parts": "[]", "part_keys": ["k1", NASTY],
    }  # fmt: skip
    await appender.append(WORK_ITEMS, [row, {**row, "seq": 1, "part_keys": []}])
    first, second = sorted(await rows_of(client, "work_items"), key=lambda row: row["seq"])
    assert (first["part_keys"], first["observations"]) == (["k1", NASTY], [{"a": "é"}])
    assert second["part_keys"] == []


@pytest.mark.parametrize("ledger", LEDGERS, ids=lambda ledger: ledger.name)
async def test_every_ledger_s_table_matches_its_schema(
    client: BigQueryClient, appender: LedgerAppender, ledger: Ledger
) -> None:
    blank = {"STRING": "x", "JSON": "{}", "INT64": 1, "TIMESTAMP": datetime(2026, 1, 1, tzinfo=UTC)}
    row = {column.name: blank[column.type] for column in ledger.columns if column.required}
    await appender.append(ledger, [row])
    assert len(await rows_of(client, ledger.name)) == 1


async def test_a_model_without_a_table_is_named(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    stranger = replace(embedding(), part=EmbeddingPart("other-model", 4))
    with pytest.raises(
        ConfigurationError, match=r"embeddings_other_model_4.*run `sightline setup`"
    ):
        await writer.write([answer(), stranger])
    assert len(await rows_of(client, "classifications")) == 1  # what fits is written all the same


async def test_a_column_that_differs_is_named(
    client: BigQueryClient, writer: BigQueryWriter
) -> None:
    table = client.place.table("dead_letters")
    await client.execute(f"DROP TABLE {table}")
    await client.execute(f"CREATE TABLE {table} (event_id STRING, reason INT64)")
    with pytest.raises(ConfigurationError, match=r"dead_letters\.reason is INTEGER, not STRING"):
        await writer.write([dead()])


async def test_a_failure_that_a_retry_cannot_fix_is_raised_before_an_outage(
    bigquery_with_ledgers: BigQueryEmulator,
) -> None:
    async with run_append_server() as (server, place):
        rule = AppendRule(retry=RetryRule(tries=1))
        async with (
            BigQueryClient.open(place_in(bigquery_with_ledgers)) as client,
            LedgerAppender.open(place, rule=rule) as appender,
        ):
            writer = BigQueryWriter(appender, client)
            server.answers.append(Refuse(grpc.StatusCode.UNAVAILABLE))
            with pytest.raises(TransientError):
                await writer.write([answer()])
            server.answers += [
                Refuse(grpc.StatusCode.UNAVAILABLE),
                Refuse(grpc.StatusCode.INVALID_ARGUMENT, "extra fields: 'x'"),
            ]
            with pytest.raises(ConfigurationError, match="extra fields"):
                await writer.write([answer(), dead()])


async def test_without_rows_nothing_is_called(writer: BigQueryWriter) -> None:
    await writer.write([])
