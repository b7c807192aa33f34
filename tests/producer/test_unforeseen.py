"""An exception that nobody foresaw, in each step of publishing: the run goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from producer.ahead import read_ahead
from producer.publish import Producer
from sightline.errors import InternalError
from sightline.model import Filter, Run, RunRequest
from sightline.wire import RECHECK, decode
from tests.producer.test_publish import MOMENT, Bus, Source

COUNT = 7
RUN = Run("run", MOMENT, "open", COUNT, COUNT, "{}")


class UnforeseenError(Exception):
    """What no part of the program knows."""


def second_time(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a call that fails when it is made the second time."""
    calls = 0

    async def either(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise UnforeseenError
        return await call(*arguments, **options)

    return either


STEPS = ("unpublished", "messages", "publish", "mark_published", "progress", "claim")


def broken(step: str, source: Source, bus: Bus) -> Producer:
    """Return a producer one of whose steps fails when it is taken the second time."""
    seen = 0

    def progress(done: int, total: int) -> None:
        nonlocal seen
        seen += 1
        if step == "progress" and seen == 2:
            raise UnforeseenError

    if step in {"messages", "mark_published"}:
        setattr(source, step, second_time(getattr(source, step)))
    elif step == "publish":
        bus.publish = second_time(bus.publish)  # type: ignore[assignment,method-assign]  # fails
    elif step == "unpublished":

        async def fails(run_id: str) -> Any:
            raise UnforeseenError

        source.unpublished = fails  # type: ignore[method-assign]  # fails
    elif step == "claim":

        @asynccontextmanager
        async def claim(run_id: str) -> AsyncIterator[None]:
            source.claimed = True
            yield
            raise UnforeseenError

        source.claim = claim  # type: ignore[method-assign]  # fails
    return Producer(
        source, bus, now=lambda: MOMENT, new_run_id=lambda _now: "run", on_progress=progress
    )


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_ends_the_command_and_a_later_one_publishes_the_rest(
    step: str,
) -> None:
    source, bus = Source(COUNT), Bus()
    with pytest.raises(UnforeseenError):
        await broken(step, source, bus).publish(RUN)
    well = Source(COUNT, source.published)
    again = Bus(keys=[])
    await Producer(well, again, now=lambda: MOMENT, new_run_id=lambda _now: "run").publish(
        RUN, resumed=True
    )
    first = [decode(message.body).subject_id for message in bus.messages]
    then = {decode(message.body).subject_id: message for message in again.messages}
    assert {*first, *then} == {f"o{number}" for number in range(COUNT)}
    doubled = [then[subject] for subject in first if subject in then]
    assert all(RECHECK in message.attributes for message in doubled), (
        "looked up before they are paid"
    )


async def test_a_budget_that_cannot_be_set_opens_no_run() -> None:
    source, bus = Source(COUNT), Bus()

    async def before_open(run_id: str) -> None:
        raise UnforeseenError

    async def open_run(request: RunRequest, *, run_id: str, now: object) -> Run:
        raise AssertionError("opened without its budget")

    source.open_run = open_run  # type: ignore[method-assign]  # must not be called
    producer = Producer(
        source, bus, now=lambda: MOMENT, new_run_id=lambda _now: "run", before_open=before_open
    )
    with pytest.raises(UnforeseenError):
        await producer.enqueue(RunRequest(Filter(), ()))
    assert bus.messages == []


async def test_a_reading_that_is_cancelled_by_nobody_is_an_error_and_not_a_silent_end() -> None:
    async def read(place: int) -> int:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        future.cancel()
        return await future

    with pytest.raises(InternalError, match="reading 1 ended by itself"):
        await anext(read_ahead(read, [1, 2]))
