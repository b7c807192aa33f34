"""A resource that is opened when it is first needed, and closed by the task that opened it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

Resource = TypeVar("Resource")


class HeldOpen(Generic[Resource]):
    """Opens a resource at the first ``get``, and keeps it open until ``close``.

    One dedicated task enters and leaves it, whichever task calls, since its task groups and cancel
    scopes must be entered and left in the same task.
    """

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Resource]]) -> None:
        self._opening = opening
        self._closing = asyncio.Event()
        self._opened: asyncio.Future[Resource] | None = None
        self._task: asyncio.Task[None] | None = None

    async def get(self) -> Resource:
        """Return the resource, opened if necessary.

        Raises:
            Exception: whatever opening it raises; the next call tries again.
        """
        if self._opened is None or (self._opened.done() and self._opened.exception() is not None):
            self._closing = asyncio.Event()  # belongs to the running loop
            self._opened = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._hold(self._opened))
        return await asyncio.shield(self._opened)

    async def close(self) -> None:
        """Close the resource, if it is open."""
        self._closing.set()
        task, self._task, self._opened = self._task, None, None
        if task is not None:
            await task

    async def _hold(self, opened: asyncio.Future[Resource]) -> None:
        try:
            async with self._opening() as resource:
                opened.set_result(resource)
                await self._closing.wait()
        except Exception as error:
            if opened.done():
                raise  # it failed while open or closing: `close` raises it
            opened.set_exception(error)
