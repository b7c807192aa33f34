"""Calls that run side by side."""

from __future__ import annotations

import asyncio

import pytest

from worker.concurrency.side_by_side import side_by_side


async def of(value: int) -> int:
    """Return the value, later."""
    await asyncio.sleep(0)
    return value


async def failing() -> int:
    """Fail, later."""
    await asyncio.sleep(0)
    raise ValueError("failed")


async def test_outcomes_come_in_the_order_of_the_calls() -> None:
    assert await side_by_side(of(1)) == [1]
    assert await side_by_side(of(1), of(2), of(3)) == [1, 2, 3]


@pytest.mark.parametrize("first_fails", [True, False])
async def test_what_one_call_raises_leaves_the_others_alone(first_fails: bool) -> None:
    calls = [failing(), of(2)] if first_fails else [of(2), failing()]
    results = await side_by_side(*calls)
    error, value = results if first_fails else reversed(results)
    assert isinstance(error, ValueError)
    assert value == 2


async def test_calls_run_at_the_same_time() -> None:
    met = asyncio.Barrier(3)

    async def meet() -> int:
        return await met.wait()

    assert sorted(map(str, await side_by_side(meet(), meet(), meet()))) == ["0", "1", "2"]


@pytest.mark.parametrize("first_is_done", [True, False])
async def test_cancelled_it_ends_when_all_calls_have_ended(first_is_done: bool) -> None:
    ended: list[str] = []
    never = asyncio.Event()

    async def wait(name: str) -> None:
        try:
            await never.wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async def nothing() -> None:
        return None

    first = nothing() if first_is_done else wait("first")
    running = asyncio.create_task(side_by_side(first, wait("second"), wait("third")))
    for _ in range(5):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    expected = {"second", "third"} | (set() if first_is_done else {"first"})
    assert set(ended) == expected
