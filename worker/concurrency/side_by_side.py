"""Runs calls concurrently and waits for all of them, the first in the calling task."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def side_by_side(
    first: Coroutine[Any, Any, Result], *others: Coroutine[Any, Any, Result]
) -> list[Result | BaseException]:
    """Return what each call returned or raised, in order.

    If cancelled, it cancels all of them and waits until they have ended. Like ``asyncio.gather``,
    but a message with two parts starts one task instead of two: a task costs as much as decoding
    the message.
    """
    tasks = [asyncio.create_task(call) for call in others]
    try:
        return [await _outcome(first), *await asyncio.gather(*tasks, return_exceptions=True)]
    finally:
        await _ended(tasks)


async def _outcome(call: Coroutine[Any, Any, Result]) -> Result | BaseException:
    try:
        return await call
    except Exception as error:  # noqa: BLE001 - returned, like the others' errors
        return error


async def _ended(tasks: list[asyncio.Task[Any]]) -> None:
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
