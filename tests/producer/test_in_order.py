"""A few steps are under way at once, their results come in order, and none is left behind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from producer.in_order import in_order


async def test_results_come_in_order_however_long_each_takes() -> None:
    under_way = most = 0

    async def step(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(10 - number):
            await asyncio.sleep(0)
        under_way -= 1
        return number

    async with aclosing(in_order((step(n) for n in range(10)), at_once=3)) as found:
        assert [one async for one in found] == list(range(10))
    assert most == 3


async def test_fewer_steps_than_may_be_under_way_all_come() -> None:
    async def step(number: int) -> int:
        return number

    async with aclosing(in_order((step(n) for n in range(2)), at_once=3)) as found:
        assert [one async for one in found] == [0, 1]
    async with aclosing(in_order((step(n) for n in range(0)), at_once=3)) as found:
        assert [one async for one in found] == []


async def test_leaving_early_ends_what_is_under_way_and_begins_nothing_more() -> None:
    begun, ended = list[int](), list[int]()

    async def step(number: int) -> int:
        begun.append(number)
        try:
            if number:
                await asyncio.Event().wait()
            return number
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    async with aclosing(in_order((step(n) for n in range(10)), at_once=3)) as found:
        async for _ in found:
            break
    assert begun == ended == [0, 1, 2]


async def test_a_failure_is_raised_when_it_is_due_and_ends_the_rest() -> None:
    ended = asyncio.Event()

    async def step(number: int) -> int:
        if number == 1:
            raise ValueError("one")
        if number == 2:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        return number

    async def use() -> None:
        async with aclosing(in_order((step(n) for n in range(10)), at_once=3)) as found:
            async for number in found:
                assert number == 0

    with pytest.raises(ValueError, match="one"):
        await use()
    assert ended.is_set()
