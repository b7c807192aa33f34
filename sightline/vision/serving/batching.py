"""Micro-batches: items that arrive while the model is busy are encoded together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class MicroBatcher(Generic[Item, Result]):
    """Passes waiting items to ``encode`` in batches of at most ``batch_size``, one at a time.

    An incomplete batch waits ``linger_s`` seconds for more items. Callers of ``submit`` limit how
    many wait; run ``run`` as a task for as long as the batcher is used.
    """

    def __init__(
        self,
        encode: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        batch_size: int,
        linger_s: float,
    ) -> None:
        self._encode = encode
        self._batch_size = batch_size
        self._linger_s = linger_s
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._failure: Exception | None = None

    async def submit(self, item: Item) -> Result:
        """Return the result of ``encode`` for this item; a cancelled caller's item is left out.

        Raises:
            Exception: as raised by ``encode``, or the error that ended ``run``.
        """
        if self._failure is not None:
            raise self._failure
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._arrived.set()
        if len(self._waiting) >= self._batch_size:
            self._full.set()
        return await future

    async def run(self) -> None:
        """Encode batch after batch until cancelled, and then fail the waiting callers."""
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        try:
            while True:
                batch = await self._next_batch()
                await self._encode_batch(batch)
        except Exception as error:
            self._failure = error
            for _, future in (*batch, *self._waiting):
                if not future.done():
                    future.set_exception(error)
            raise
        finally:
            for _, future in (*batch, *self._waiting):
                future.cancel()
            self._waiting.clear()

    async def _next_batch(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        await self._arrived.wait()
        if len(self._waiting) < self._batch_size:
            self._full.clear()
            # Woken immediately when the batch is full.
            timer = asyncio.get_running_loop().call_later(self._linger_s, self._full.set)
            try:
                await self._full.wait()
            finally:
                timer.cancel()
        size = min(self._batch_size, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(size)]
        if not self._waiting:
            self._arrived.clear()
        return [(item, future) for item, future in batch if not future.done()]

    async def _encode_batch(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        if not batch:
            return
        try:
            results = await self._encode([item for item, _ in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(results)} results for a batch of {len(batch)}")  # noqa: TRY301 - reported to all waiting callers
        except Exception as error:  # noqa: BLE001 - passed on to every caller of this batch
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
