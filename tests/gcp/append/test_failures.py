"""The errors of failed appends, and which of them are retried."""

from __future__ import annotations

import socket
from typing import Any

import grpc
import pytest
from google.cloud.bigquery_storage_v1.types import StorageError, TableFieldSchema
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo

from sightline.errors import ConfigurationError, TransientError, UnwritableRowsError
from sightline.gcp.bigquery.append import AppendRule, LedgerAppender
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.rows import RowFormat
from sightline.gcp.retry import RetryRule
from sightline.schema import RUNS
from tests.gcp.append.rig import Pauses, decoded, run_row
from tests.gcp.append_server import (
    AppendServer,
    Break,
    Refuse,
)

Code = grpc.StatusCode


@pytest.mark.parametrize(
    "failure",
    [
        Refuse(Code.INTERNAL),
        Refuse(Code.RESOURCE_EXHAUSTED),
        Refuse(Code.ABORTED),
        Break(Code.UNAVAILABLE),
        Break(Code.ABORTED),
        Break(Code.INTERNAL),
        Break(Code.DEADLINE_EXCEEDED),
        Break(Code.CANCELLED),
        Break(Code.OK),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.code.name}",
)
async def test_transient_failures_are_retried(
    server: AppendServer, appender: LedgerAppender, pauses: Pauses, failure: Refuse | Break
) -> None:
    server.answers += [failure, failure]
    await appender.append(RUNS, [run_row()])
    assert len(server.requests) == 3
    assert server.connections == (3 if isinstance(failure, Break) else 1)
    assert pauses.slept == [0.25, 0.5]
    again = [request.proto_rows.writer_schema.proto_descriptor for request in server.requests[1:]]
    if isinstance(failure, Break):  # every connection is told the schema, and only once
        assert again == [RowFormat(RUNS).descriptor] * 2


async def test_a_lasting_failure_is_raised_after_the_last_attempt(
    server: AppendServer, appender: LedgerAppender
) -> None:
    server.answers += [Refuse(Code.UNAVAILABLE)] * 3
    with pytest.raises(TransientError, match=r"^p\.d\.runs: .*again"):
        await appender.append(RUNS, [run_row()])
    await appender.append(RUNS, [run_row()])
    assert len(server.requests) == 4


async def test_an_unreachable_server_is_a_transient_error(pauses: Pauses) -> None:
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        gone = BigQueryPlace("p", "d", storage_endpoint=f"127.0.0.1:{occupied.getsockname()[1]}")
        rule = AppendRule(retry=RetryRule(tries=2, sleep=pauses.sleep))
        async with LedgerAppender.open(gone, rule=rule) as appender:
            with pytest.raises(TransientError, match=r"p\.d\.runs"):
                await appender.append(RUNS, [run_row()])
    assert len(pauses.slept) == 1


async def test_the_server_s_retry_delay_is_respected(
    server: AppendServer, appender: LedgerAppender, pauses: Pauses
) -> None:
    wish = Packed()
    wish.Pack(RetryInfo(retry_delay=Duration(seconds=30)))
    server.answers += [
        Refuse(Code.RESOURCE_EXHAUSTED, details=[wish]),
        Break(Code.UNAVAILABLE, details=[wish]),
    ]
    await appender.append(RUNS, [run_row()])
    assert pauses.slept == [30, 30]


def extra_fields() -> Packed:
    """Return the service's error about a field that a table lacks."""
    packed = Packed(type_url="type.googleapis.com/google.cloud.bigquery.storage.v1.StorageError")
    packed.value = StorageError.serialize(
        StorageError(code=StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS)
    )
    return packed


@pytest.mark.parametrize("how", [Refuse, Break])
@pytest.mark.parametrize(
    ("code", "message", "next_step"),
    [
        (Code.INVALID_ARGUMENT, "extra fields: 'parts'", "sightline setup"),
        (Code.NOT_FOUND, "Requested entity was not found: parts", "sightline setup"),
        (Code.PERMISSION_DENIED, "Permission denied, parts", "grant roles/bigquery.dataEditor"),
        (Code.UNAUTHENTICATED, "no token for parts", "gcloud auth"),
        (Code.FAILED_PRECONDITION, "parts", "sightline setup"),
    ],
    ids=lambda parameter: parameter.name if isinstance(parameter, Code) else "",
)
async def test_a_failure_that_a_retry_cannot_fix_is_raised_immediately(
    server: AppendServer,
    appender: LedgerAppender,
    how: Any,
    code: Any,
    message: str,
    next_step: str,
) -> None:
    server.answers.append(how(code, message, [extra_fields()]))
    with pytest.raises(ConfigurationError) as raised:
        await appender.append(RUNS, [run_row()])
    text = str(raised.value)
    assert "p.d.runs" in text
    assert "parts" in text
    assert "SCHEMA_MISMATCH_EXTRA_FIELDS" in text or code == Code.UNAUTHENTICATED
    assert next_step in text
    assert "\n" not in text
    assert len(server.requests) == 1


async def test_the_first_rows_that_are_refused_are_named(
    server: AppendServer, appender: LedgerAppender
) -> None:
    wrong = [(7, "Field created_at: out of range"), (9, "Field parts: too large")]
    server.answers.append(Refuse(Code.INVALID_ARGUMENT, "Errors found", row_errors=wrong))
    with pytest.raises(ConfigurationError, match=r"runs.*row 7: Field created_at.*row 9"):
        await appender.append(RUNS, [run_row()])


async def test_refused_rows_do_not_affect_other_rows(
    server: AppendServer, appender: LedgerAppender
) -> None:
    wrong = [(1, "Field created_at: out of range"), (3, "Field request:\nno JSON")]
    server.answers.append(Refuse(Code.INVALID_ARGUMENT, "Errors found", row_errors=wrong))
    server.answers.append(Refuse(Code.INVALID_ARGUMENT, "And now", row_errors=[(1, "this")]))
    with pytest.raises(UnwritableRowsError) as raised:
        await appender.append(RUNS, [run_row(number) for number in range(5)])
    assert raised.value.details == {
        1: "Field created_at: out of range",
        3: "Field request: no JSON",
        2: "this",
    }
    lines_sent = [request.proto_rows.rows.serialized_rows for request in server.requests]
    assert [[decoded(RUNS, row).run_id for row in rows] for rows in lines_sent] == [
        ["r0", "r1", "r2", "r3", "r4"],
        ["r0", "r2", "r4"],
        ["r0", "r4"],
    ]


async def test_a_row_that_cannot_be_encoded_does_not_affect_other_rows(
    server: AppendServer, appender: LedgerAppender
) -> None:
    rows = [run_row(0), run_row(1, messages=2**64), run_row(2, run_id="\ud800"), run_row(3)]
    with pytest.raises(UnwritableRowsError) as raised:
        await appender.append(RUNS, rows)
    assert list(raised.value.details) == [1, 2]
    assert [decoded(RUNS, row).run_id for row in server.rows] == ["r0", "r3"]


async def test_a_table_that_is_missing_gets_no_append(
    server: AppendServer, appender: LedgerAppender
) -> None:
    server.stream_errors.append(Break(Code.NOT_FOUND, "Not found: table runs"))
    with pytest.raises(ConfigurationError, match=r"no table p\.d\.runs .*sightline setup"):
        await appender.append(RUNS, [run_row()])
    assert server.connections == 0
    await appender.append(RUNS, [run_row()])  # it has been made since


FITS = [
    {"name": "run_id", "type_": "STRING", "mode": "REQUIRED"},
    {"name": "request", "type_": "JSON", "mode": "REQUIRED"},
    {"name": "messages", "type_": "INT64", "mode": "REQUIRED"},
    {"name": "parts", "type_": "INT64", "mode": "NULLABLE"},
    {"name": "created_at", "type_": "TIMESTAMP", "mode": "REQUIRED"},
    {"name": "a_column_of_the_user_s", "type_": "STRING", "mode": "NULLABLE"},
]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "parts", "type_": "STRING"}, r"runs\.parts is STRING, not INT64"),
        ({"name": "parts", "type_": "INT64", "mode": "REPEATED"}, r"runs\.parts is an array"),
        ({"name": "other", "type_": "INT64", "mode": "REQUIRED"}, r"runs\.other is required"),
        ({"name": "parts_"}, r"runs\.parts is missing"),
    ],
)
async def test_a_table_that_differs_from_the_ledger_gets_no_append(
    server: AppendServer, appender: LedgerAppender, changed: dict[str, str], message: str
) -> None:
    others = [field for field in FITS if field["name"] != "parts"]
    server.schema = [TableFieldSchema(field) for field in [*others, changed]]
    with pytest.raises(ConfigurationError, match=f"{message}.*run `sightline setup`$"):
        await appender.append(RUNS, [run_row()])
    assert server.requests == []


async def test_a_table_with_more_columns_than_the_ledger_accepts_rows(
    server: AppendServer, appender: LedgerAppender
) -> None:
    server.schema = [TableFieldSchema(field) for field in FITS]
    await appender.append(RUNS, [run_row()])
    assert len(server.requests) == 1
