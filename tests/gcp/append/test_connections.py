"""Connections: reused, closed and reopened; back-pressure, cancelling, closing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import pytest

from sightline.errors import TransientError
from sightline.gcp.bigquery.append import AppendRule, LedgerAppender, TableStream
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.rows import RowFormat
from sightline.gcp.retry import RetryRule
from sightline.schema import DEAD_LETTERS, RUN_EVENTS, RUNS
from tests.gcp.append.rig import AT, Pauses, decoded, run_row
from tests.gcp.append_server import (
    AnswerThenBreak,
    AppendServer,
    Break,
    Hold,
)
from tests.waiting import GIVE_UP_S

Code = grpc.StatusCode


async def test_a_connection_is_reused_and_gets_the_schema_once(
    server: AppendServer, appender: LedgerAppender
) -> None:
    for number in range(3):
        await appender.append(RUNS, [run_row(number)])
    assert server.connections == 1
    assert [decoded(RUNS, row).run_id for row in server.rows] == ["r0", "r1", "r2"]
    first, *others = server.requests
    stream = "projects/p/datasets/d/tables/runs/streams/_default"
    assert {request.write_stream for request in server.requests} == {stream}
    assert ("x-goog-request-params", f"write_stream={stream}") in server.metadata[0]
    assert first.proto_rows.writer_schema.proto_descriptor == RowFormat(RUNS).descriptor
    assert not any(other.proto_rows.HasField("writer_schema") for other in others)


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


async def test_without_rows_no_request_is_sent(
    server: AppendServer, appender: LedgerAppender
) -> None:
    await appender.append(RUNS, [])
    assert (server.connections, server.requests) == (0, [])


async def test_a_connection_that_the_server_closed_between_two_appends_is_reopened(
    server: AppendServer, appender: LedgerAppender, pauses: Pauses
) -> None:
    server.answers.append(AnswerThenBreak())
    await appender.append(RUNS, [run_row(1)])
    stream = appender._streams["runs"]
    assert stream._connection is not None
    await asyncio.wait([stream._connection._running])
    await appender.append(RUNS, [run_row(2)])
    assert (server.connections, pauses.slept) == (2, [])


async def test_all_requests_in_flight_on_a_broken_connection_are_sent_again(
    server: AppendServer, appender: LedgerAppender
) -> None:
    until = asyncio.Event()
    server.answers += [Hold(until), Break(Code.UNAVAILABLE)]
    async with (
        asyncio.timeout(GIVE_UP_S),
        asyncio.TaskGroup() as group,
    ):  # not only after ``timeout_s``
        for number in range(6):
            group.create_task(appender.append(RUNS, [run_row(number)]))
        await server.wait_for(1)
        until.set()
    assert {decoded(RUNS, row).run_id for row in server.rows} == {f"r{n}" for n in range(6)}
    assert len(server.rows) in {7, 8}
    assert server.connections == 2


async def test_a_response_timeout_is_transient_and_closes_the_connection(
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


class Counted(Sequence[dict[str, Any]]):
    """Rows that count how many of them were read."""

    def __init__(self, count: int) -> None:
        self.read = 0
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return run_row(range(self._count)[index])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number in range(self._count):
            self.read += 1
            yield run_row(number)


async def test_rows_are_encoded_no_faster_than_the_server_accepts_them(
    server: AppendServer, appender: LedgerAppender
) -> None:
    until = asyncio.Event()
    server.answers += [Hold(until)] * 2
    many = [Counted(10_000) for _ in range(5)]
    async with asyncio.TaskGroup() as group:
        for rows in many:
            group.create_task(appender.append(RUNS, rows))
        await server.wait_for(1)
        reads = [rows.read for rows in many]
        assert reads == [2_001, 2_001, 0, 0, 0]  # two requests under way, one row ahead each
        until.set()
    assert len(server.rows) == 50_000


async def test_a_cancelled_append_leaves_the_connection_usable(
    server: AppendServer, appender: LedgerAppender
) -> None:
    before = asyncio.all_tasks()
    until = asyncio.Event()
    server.answers.append(Hold(until))
    first_append = asyncio.create_task(appender.append(RUNS, [run_row(1)]))
    await server.wait_for(1)
    waiting = asyncio.create_task(appender.append(RUNS, [run_row(2)]))
    third = asyncio.create_task(appender.append(RUNS, [run_row(3)]))
    await asyncio.sleep(0)
    for task in (first_append, third):
        task.cancel()
    await asyncio.wait([first_append, third])
    until.set()
    await waiting
    await appender.append(RUNS, [run_row(4)])
    assert server.connections == 1
    assert [decoded(RUNS, row).run_id for row in server.rows] == ["r1", "r2", "r4"]
    stream = appender._streams["runs"]
    await stream.close()
    await server.wait_until_idle()
    assert not [
        left_task for left_task in asyncio.all_tasks() - before if "sightline" in str(left_task)
    ]


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


async def test_closing_waits_for_requests_in_flight(
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


async def test_dead_letters_with_any_text_are_accepted(
    server: AppendServer, appender: LedgerAppender
) -> None:
    nasty = "\x00\x1f'\"\\\n é 日本 🙂"
    await appender.append(DEAD_LETTERS, [{"event_id": "e", "detail": nasty, "at": AT}])
    assert decoded(DEAD_LETTERS, server.rows[0]).detail == nasty


async def test_a_request_that_can_never_be_sent_is_reported_immediately(
    server: AppendServer, appender: LedgerAppender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: TableStream, request: Any) -> None:
        raise ZeroDivisionError("nobody foresaw it")

    with monkeypatch.context() as broken:
        broken.setattr(TableStream, "_prepare", fails)
        async with asyncio.timeout(10):
            with pytest.raises(ZeroDivisionError):
                await appender.append(RUNS, [run_row()])
    await appender.append(RUNS, [run_row()])
    assert len(server.rows) == 1
