"""The tasks of messages in progress; all of them are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from worker.concurrency.side_tasks import SideTask


class InHand:
    """Tasks of messages; ``on_end`` is called when one ends."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, handling: Coroutine[None, None, None]) -> None:
        """Start to handle a message."""
        task = asyncio.create_task(handling)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def end(self, grace_s: float, *, writing: SideTask) -> None:
        """Wait until all tasks have ended; cancel them after the grace period, or if nothing can be
        written.
        """
        if self._tasks and not writing.done():
            handled = asyncio.create_task(asyncio.wait(tuple(self._tasks)))
            await asyncio.wait(
                [handled, writing], timeout=grace_s, return_when=asyncio.FIRST_COMPLETED
            )
            handled.cancel()
            await asyncio.wait([handled])
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_end()
