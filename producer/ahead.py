"""Reads the items of a list one ahead: the next is read while the current one is used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar

from sightline.errors import InternalError

Place = TypeVar("Place")
Content = TypeVar("Content")


async def read_ahead(
    read: Callable[[Place], Awaitable[Content]], places: Sequence[Place]
) -> AsyncGenerator[tuple[Place, Content], None]:
    """Yield each item with its content. Close the generator: a read may be in progress.

    Raises:
        Exception: what ``read`` raises, when its item is due.
        InternalError: a read ended by itself, without a content or an error.
    """
    reading: asyncio.Task[Content] | None = None
    try:
        for number, place in enumerate(places):
            content = await _content(reading or _task(read, place), place)
            reading = _task(read, places[number + 1]) if number + 1 < len(places) else None
            yield place, content
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])


async def _content(reading: asyncio.Task[Content], place: object) -> Content:
    try:
        return await reading
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # An unrequested cancellation: raised as it is, it would end the program silently.
        raise InternalError(
            f"internal error: reading {place} ended by itself; run the command again: it continues"
            " where it was, and report it"
        ) from None


def _task(read: Callable[[Place], Awaitable[Content]], place: Place) -> asyncio.Task[Content]:
    async def once() -> Content:
        return await read(place)

    return asyncio.create_task(once())
