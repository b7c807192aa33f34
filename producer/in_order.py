"""Works on a list, a few places at once, and tells of each in the list's order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_order(
    steps: Iterable[Coroutine[Any, Any, Result]], *, at_once: int
) -> AsyncGenerator[Result, None]:
    """Yield the results of steps, of which the first ``at_once`` without a result are under way.

    Close it: steps may be under way, which it then cancels and waits for.

    Raises:
        Exception: what a step raises, when its result is due.
    """
    under_way: deque[asyncio.Task[Result]] = deque()
    try:
        for step in steps:
            under_way.append(asyncio.create_task(step))
            if len(under_way) == at_once:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)
