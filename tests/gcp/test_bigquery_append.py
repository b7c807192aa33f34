"""Appending rows: encoding, requests, failures, reconnecting, back-pressure, closing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import grpc
import numpy as np
import pytest
from google.cloud.bigquery_storage_v1.types import StorageError, TableFieldSchema
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.bigquery.append import AppendRule, LedgerAppender
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.rows import MAX_REQUEST_BYTES, RowFormat
from sightline.gcp.retry import RetryRule
from sightline.schema import DEAD_LETTERS, RUN_EVENTS, RUNS, WORK_ITEMS, Ledger, embeddings_ledger
from tests.gcp.append_server import (
    AnswerThenBreak,
    AppendServer,
    Break,
    Hold,
    Refuse,
    run_append_server,
)

AT = datetime(2026, 5, 4, 12, 0, 0, 123_456, tzinfo=UTC)
Code = grpc.StatusCode


def run_row(number: int = 0, **changes: object) -> dict[str, Any]:
    """Return a row of ``runs``."""
    row = {"run_id": f"r{number}", "request": "{}", "messages": 1, "parts": 2, "created_at": AT}
    return {**row, **changes}


def decoded(ledger: Ledger, encoded: bytes) -> Any:
    """Return a row as a reader of the service's own kind sees it."""
    file = FileDescriptorProto(name="reader.proto", syntax="proto2")
    file.message_type.add().CopyFrom(RowFormat(ledger).descriptor)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Row")).FromString(encoded)


class Pauses:
    """The pauses between tries: none, but remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def served() -> AsyncIterator[tuple[AppendServer, BigQueryPlace]]:
    async with run_append_server() as one:
        yield one


@pytest.fixture
def server(served: tuple[AppendServer, BigQueryPlace]) -> AppendServer:
    return served[0]


@pytest.fixture
async def appender(
    served: tuple[AppendServer, BigQueryPlace], pauses: Pauses
) -> AsyncIterator[LedgerAppender]:
    retry = RetryRule(tries=3, random=lambda: 1.0, sleep=pauses.sleep)
    rule = AppendRule(in_flight=2, timeout_s=30, retry=retry)
    async with LedgerAppender.open(served[1], rule=rule) as one:
        yield one


# --- rows -------------------------------------------------------------------------------------


def test_a_row_has_a_field_a_column_and_nulls_are_left_out() -> None:
    encoded = RowFormat(RUNS).encode(run_row(messages=None))
    found = decoded(RUNS, encoded)
    assert (found.run_id, found.parts) == ("r0", 2)
    assert found.created_at == 1_777_896_000_123_456
    assert not found.HasField("messages")


@pytest.mark.parametrize("kind", [list, np.float32, np.float64])
def test_vectors_are_packed_doubles_whatever_they_come_as(kind: Any) -> None:
    numbers = [0.5, -1.25, 3.0]
    vector = numbers if kind is list else np.array(numbers, dtype=kind)
    ledger = embeddings_ledger("m", 3)
    encoded = RowFormat(ledger).encode({"part_key": "k", "dimension": 3, "embedding": vector})
    assert list(decoded(ledger, encoded).embedding) == numbers
    assert encoded.endswith(np.array(numbers, dtype="<f8").tobytes())


def test_a_long_vector_and_an_empty_one_can_be_read_again() -> None:
    ledger = embeddings_ledger("m", 3_072)
    for vector in (np.arange(3_072, dtype=np.float32), np.array([]), None):
        encoded = RowFormat(ledger).encode({"part_key": "k", "embedding": vector})
        expected = [] if vector is None else vector.tolist()
        assert list(decoded(ledger, encoded).embedding) == expected


def test_arrays_of_texts_are_kept() -> None:
    encoded = RowFormat(WORK_ITEMS).encode({"run_id": "r", "part_keys": ["a", "é"]})
    assert list(decoded(WORK_ITEMS, encoded).part_keys) == ["a", "é"]


def test_a_row_of_another_ledger_is_refused() -> None:
    with pytest.raises(ValueError, match="stranger"):
        RowFormat(RUNS).encode({"stranger": 1})


def test_requests_stay_below_their_bounds_and_keep_the_order() -> None:
    rows = [{"run_id": str(n), "event": "x" * 1_000_000} for n in range(20)]
    chunks = list(RowFormat(RUN_EVENTS).requests(rows))
    assert all(sum(map(len, chunk)) <= MAX_REQUEST_BYTES for chunk in chunks)
    assert [len(one) for one in chunks] == [7, 7, 6]
    ids = [decoded(RUN_EVENTS, row).run_id for chunk in chunks for row in chunk]
    assert ids == [str(n) for n in range(20)]
    many = RowFormat(RUN_EVENTS).requests([{"run_id": "r"}] * 4_001)
    assert [len(one) for one in many] == [2_000, 2_000, 1]


# --- one connection a table -------------------------------------------------------------------


async def test_a_connection_is_kept_and_told_the_schema_once(
    server: AppendServer, appender: LedgerAppender
) -> None:
    for number in range(3):
        await appender.append(RUNS, [run_row(number)])
    assert server.connections == 1
    assert [decoded(RUNS, row).run_id for row in server.rows] == ["r0", "r1", "r2"]
    first, *others = server.requests
    stream = "projects/p/datasets/d/tables/runs/streams/_default"
    assert {one.write_stream for one in server.requests} == {stream}
    assert ("x-goog-request-params", f"write_stream={stream}") in server.metadata[0]
    assert first.proto_rows.writer_schema.proto_descriptor == RowFormat(RUNS).descriptor
    assert not any(one.proto_rows.HasField("writer_schema") for one in others)


async def test_tables_have_connections_of_their_own(
    server: AppendServer, appender: LedgerAppender
) -> None:
    until = asyncio.Event()
    server.answers.append(Hold(until))
    async with asyncio.TaskGroup() as group:
        group.create_task(appender.append(RUNS, [run_row()]))
        await server.wait_for(1)
        await appender.append(RUN_EVENTS, [{"run_id": "r0", "event": "cancelled", "at": AT}])
        until.set()
    assert server.connections == 2


async def test_no_rows_are_no_request(server: AppendServer, appender: LedgerAppender) -> None:
    await appender.append(RUNS, [])
    assert (server.connections, server.requests) == (0, [])


# --- failures ---------------------------------------------------------------------------------


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
    ids=lambda one: f"{type(one).__name__}-{one.code.name}",
)
async def test_what_passes_is_tried_again(
    server: AppendServer, appender: LedgerAppender, pauses: Pauses, failure: Refuse | Break
) -> None:
    server.answers += [failure, failure]
    await appender.append(RUNS, [run_row()])
    assert len(server.requests) == 3
    assert server.connections == (3 if isinstance(failure, Break) else 1)
    assert pauses.slept == [0.25, 0.5]
    again = [one.proto_rows.writer_schema.proto_descriptor for one in server.requests[1:]]
    if isinstance(failure, Break):  # every connection is told the schema, and only once
        assert again == [RowFormat(RUNS).descriptor] * 2


async def test_a_failure_that_lasts_is_told_after_the_last_try(
    server: AppendServer, appender: LedgerAppender
) -> None:
    server.answers += [Refuse(Code.UNAVAILABLE)] * 3
    with pytest.raises(TransientError, match=r"^p\.d\.runs: .*again"):
        await appender.append(RUNS, [run_row()])
    await appender.append(RUNS, [run_row()])
    assert len(server.requests) == 4


async def test_a_server_that_is_not_there_is_transient(pauses: Pauses) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = BigQueryPlace("p", "d", storage_endpoint=f"127.0.0.1:{taken.getsockname()[1]}")
        rule = AppendRule(retry=RetryRule(tries=2, sleep=pauses.sleep))
        async with LedgerAppender.open(gone, rule=rule) as appender:
            with pytest.raises(TransientError, match=r"p\.d\.runs"):
                await appender.append(RUNS, [run_row()])
    assert len(pauses.slept) == 1


async def test_a_wish_to_be_asked_later_is_heard(
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
    """Return what the service says of a field that a table lacks."""
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
    ids=lambda one: one.name if isinstance(one, Code) else "",
)
async def test_what_trying_again_does_not_mend_is_told_at_once(
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
    ("changed", "told"),
    [
        ({"name": "parts", "type_": "STRING"}, r"runs\.parts is STRING, not INT64"),
        ({"name": "parts", "type_": "INT64", "mode": "REPEATED"}, r"runs\.parts is an array"),
        ({"name": "other", "type_": "INT64", "mode": "REQUIRED"}, r"runs\.other must be filled"),
        ({"name": "parts_"}, r"runs\.parts is missing"),
    ],
)
async def test_a_table_that_is_not_the_ledger_gets_no_append(
    server: AppendServer, appender: LedgerAppender, changed: dict[str, str], told: str
) -> None:
    others = [one for one in FITS if one["name"] != "parts"]
    server.schema = [TableFieldSchema(one) for one in [*others, changed]]
    with pytest.raises(ConfigurationError, match=f"{told}.*run `sightline setup`$"):
        await appender.append(RUNS, [run_row()])
    assert server.requests == []


async def test_a_table_with_more_columns_than_the_ledger_takes_rows(
    server: AppendServer, appender: LedgerAppender
) -> None:
    server.schema = [TableFieldSchema(one) for one in FITS]
    await appender.append(RUNS, [run_row()])
    assert len(server.requests) == 1


# --- connections that end ---------------------------------------------------------------------


async def test_a_connection_that_the_server_ended_between_two_appends_is_no_failure(
    server: AppendServer, appender: LedgerAppender, pauses: Pauses
) -> None:
    server.answers.append(AnswerThenBreak())
    await appender.append(RUNS, [run_row(1)])
    stream = appender._streams["runs"]
    assert stream._connection is not None
    await asyncio.wait([stream._connection._running])
    await appender.append(RUNS, [run_row(2)])
    assert (server.connections, pauses.slept) == (2, [])


async def test_all_that_was_under_way_on_a_broken_connection_is_sent_again(
    server: AppendServer, appender: LedgerAppender
) -> None:
    until = asyncio.Event()
    server.answers += [Hold(until), Break(Code.UNAVAILABLE)]
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:  # not only after ``timeout_s``
        for number in range(6):
            group.create_task(appender.append(RUNS, [run_row(number)]))
        await server.wait_for(1)
        until.set()
    assert {decoded(RUNS, row).run_id for row in server.rows} == {f"r{n}" for n in range(6)}
    assert len(server.rows) in {7, 8}
    assert server.connections == 2


async def test_no_answer_in_time_is_transient_and_ends_the_connection(
    served: tuple[AppendServer, BigQueryPlace], pauses: Pauses
) -> None:
    server, place = served
    rule = AppendRule(timeout_s=0.05, retry=RetryRule(tries=2, sleep=pauses.sleep))
    server.answers += [Hold(asyncio.Event()), Hold(asyncio.Event())]
    async with LedgerAppender.open(place, rule=rule) as appender:
        with pytest.raises(TransientError, match=r"p\.d\.runs: no answer in 0\.05 s"):
            await appender.append(RUNS, [run_row()])
        assert server.connections == 2
        await server.wait_until_idle()


# --- back-pressure, cancelling, closing -------------------------------------------------------


class Counted(Sequence[dict[str, Any]]):
    """Rows that count how many of them were asked for."""

    def __init__(self, count: int) -> None:
        self.read = 0
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number in range(self._count):
            self.read += 1
            yield run_row(number)


async def test_a_slow_server_holds_back_what_is_encoded(
    server: AppendServer, appender: LedgerAppender
) -> None:
    until = asyncio.Event()
    server.answers += [Hold(until)] * 2
    many = [Counted(10_000) for _ in range(5)]
    async with asyncio.TaskGroup() as group:
        for rows in many:
            group.create_task(appender.append(RUNS, rows))
        await server.wait_for(1)
        read = [rows.read for rows in many]
        assert read == [2_001, 2_001, 0, 0, 0]  # two requests under way, one row ahead each
        until.set()
    assert len(server.rows) == 50_000


async def test_a_cancelled_append_leaves_nothing_behind_and_the_connection_whole(
    server: AppendServer, appender: LedgerAppender
) -> None:
    before = asyncio.all_tasks()
    until = asyncio.Event()
    server.answers.append(Hold(until))
    held = asyncio.create_task(appender.append(RUNS, [run_row(1)]))
    await server.wait_for(1)
    waiting = asyncio.create_task(appender.append(RUNS, [run_row(2)]))
    third = asyncio.create_task(appender.append(RUNS, [run_row(3)]))
    await asyncio.sleep(0)
    for task in (held, third):
        task.cancel()
    await asyncio.wait([held, third])
    until.set()
    await waiting
    await appender.append(RUNS, [run_row(4)])
    assert server.connections == 1
    assert [decoded(RUNS, row).run_id for row in server.rows] == ["r1", "r2", "r4"]
    stream = appender._streams["runs"]
    await stream.close()
    await server.wait_until_idle()
    assert not [one for one in asyncio.all_tasks() - before if "sightline" in str(one)]


async def test_an_append_cancelled_while_it_connects_lets_the_next_one_connect(
    server: AppendServer, appender: LedgerAppender
) -> None:
    first = asyncio.create_task(appender.append(RUNS, [run_row(1)]))
    for _ in range(3):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    await appender.append(RUNS, [run_row(2)])
    assert [decoded(RUNS, row).run_id for row in server.rows][-1] == "r2"


async def test_closing_waits_for_what_is_under_way(
    served: tuple[AppendServer, BigQueryPlace],
) -> None:
    server, place = served
    until = asyncio.Event()
    server.answers.append(Hold(until))
    async with asyncio.TaskGroup() as group:
        async with LedgerAppender.open(place) as appender:
            under_way = group.create_task(appender.append(RUNS, [run_row()]))
            await server.wait_for(1)
            group.create_task(_set_soon(until))
        assert under_way.done()
    await server.wait_until_idle()


async def _set_soon(event: asyncio.Event) -> None:
    await asyncio.sleep(0)
    event.set()


async def test_dead_letters_with_any_text_are_taken(
    server: AppendServer, appender: LedgerAppender
) -> None:
    nasty = "\x00\x1f'\"\\\n é 日本 🙂"
    await appender.append(DEAD_LETTERS, [{"event_id": "e", "detail": nasty, "at": AT}])
    assert decoded(DEAD_LETTERS, server.rows[0]).detail == nasty
