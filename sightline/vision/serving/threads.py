"""A pool of threads with the lifetime of an ``async with`` block."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

Result = TypeVar("Result")


class Threads:
    """A pool of threads that ends only after its running calls."""

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Queued calls have no callers any more; running ones end within one image or batch.
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def run(self, call: Callable[[], Result]) -> Result:
        """Return the result of a call in one of the threads, or raise its error."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)
