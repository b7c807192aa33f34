"""Ranges are read one ahead, and no reading is left behind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from producer.ahead import read_ahead


async def test_each_is_read_while_the_one_before_is_used() -> None:
    begun: list[int] = []

    async def read(place: int) -> str:
        begun.append(place)
        await asyncio.sleep(0)
        return f"content {place}"

    contents = []
    async with aclosing(read_ahead(read, [1, 2, 3])) as reading:
        async for place, content in reading:
            await asyncio.sleep(0)
            contents.append((place, content, tuple(begun)))
    assert contents == [
        (1, "content 1", (1, 2)),
        (2, "content 2", (1, 2, 3)),
        (3, "content 3", (1, 2, 3)),
    ]


async def test_leaving_early_ends_the_reading_that_is_under_way() -> None:
    ended = asyncio.Event()

    async def read(place: int) -> int:
        if place > 1:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        return place

    async with aclosing(read_ahead(read, [1, 2])) as reading:
        async for _ in reading:
            await asyncio.sleep(0)
            break
    assert ended.is_set()


async def test_a_failed_reading_is_raised_when_it_is_due() -> None:
    async def read(place: int) -> int:
        if place == 2:
            raise ValueError("two")
        return place

    numbers: list[int] = []

    async def use() -> None:
        async with aclosing(read_ahead(read, [1, 2, 3])) as reading:
            async for place, _ in reading:
                numbers.append(place)

    with pytest.raises(ValueError, match="two"):
        await use()
    assert numbers == [1]
