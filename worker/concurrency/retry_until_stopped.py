"""Retries failing reads, with growing pauses, until a stop is requested."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sightline.errors import TransientError
from worker.calls.retry import Backoff

log = logging.getLogger(__name__)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class RetryUntilStopped:
    """The back-off between tries, and the event that ends it."""

    backoff: Backoff
    random: Callable[[], float]
    stopping: asyncio.Event

    async def read(self, what: str, read: Callable[[], Awaitable[Found]]) -> Found:
        """Return what ``read`` returns, after as many tries as needed.

        Raises:
            TransientError: a stop was requested while the read failed.
        """
        failures = 0
        while True:
            try:
                return await read()
            except TransientError as error:
                failures += 1
                if self.stopping.is_set():
                    raise
                await self.pause(what, failures, error)

    async def pause(self, what: str, failures: int, error: TransientError) -> None:
        """Log and wait after this many failures in a row; a stop ends the wait."""
        pause_s = self.backoff.delay_s(failures, self.random, error.retry_after_s)
        log.warning("%s, trying again in %.1f s: %s", what, pause_s, error)
        await self.nap(pause_s)

    async def nap(self, seconds: float) -> None:
        """Wait, unless a stop is requested."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            pass  # the wait is over
