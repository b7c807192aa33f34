"""Shares one computation among all callers with the same key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, Self, TypeVar

from sightline.errors import TransientError

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class SharedWork(Generic[Key, Result]):
    """Runs ``work(key)`` once for all callers that wait for the same key at the same time.

    A cancelled caller leaves the work to the others; closing cancels all work, and the waiting
    callers receive a ``TransientError``.
    """

    def __init__(self, work: Callable[[Key], Awaitable[Result]]) -> None:
        self._work = work
        self._under_way: dict[Key, asyncio.Future[Result]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def get(self, key: Key) -> Result:
        """Return ``work(key)``, started for this caller or for an earlier one.

        Raises:
            TransientError: closed before it was done.
            Exception: as raised by ``work``.
        """
        if not self._open:
            raise _closed()
        future = self._under_way.get(key)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            future.add_done_callback(_look_at)
            self._under_way[key] = future
            task = asyncio.create_task(self._do(key, future))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(future)

    async def _do(self, key: Key, future: asyncio.Future[Result]) -> None:
        try:
            future.set_result(await self._work(key))
        except asyncio.CancelledError:
            future.set_exception(_closed())
            raise
        except Exception as error:  # noqa: BLE001 - passed on to every waiting caller
            future.set_exception(error)
        finally:
            del self._under_way[key]


def _closed() -> TransientError:
    return TransientError("the model is closed; the image is tried again by the next worker")


def _look_at(future: asyncio.Future[Result]) -> None:
    """Mark an error as retrieved even if every caller was cancelled before it was raised."""
    if not future.cancelled():
        future.exception()
