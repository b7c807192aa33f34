"""Reads a list of things one ahead: each while the one before it is being used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar

Place = TypeVar("Place")
Content = TypeVar("Content")


async def read_ahead(
    read: Callable[[Place], Awaitable[Content]], places: Sequence[Place]
) -> AsyncGenerator[tuple[Place, Content], None]:
    """Yield each place with what is read there. Close it: a reading may be under way.

    Raises:
        Exception: what ``read`` raises, when its place is due.
    """
    reading: asyncio.Task[Content] | None = None
    try:
        for number, place in enumerate(places):
            content = await (reading or _task(read, place))
            reading = _task(read, places[number + 1]) if number + 1 < len(places) else None
            yield place, content
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])


def _task(read: Callable[[Place], Awaitable[Content]], place: Place) -> asyncio.Task[Content]:
    async def once() -> Content:
        return await read(place)

    return asyncio.create_task(once())
