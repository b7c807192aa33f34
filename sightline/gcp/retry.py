"""Retries a call after transient failures; the SDK's own retries are always disabled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sightline.errors import TransientError

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often a call is attempted, and the delays between: exponential, with full jitter."""

    tries: int = 5
    backoff_s: float = 0.25
    max_backoff_s: float = 8.0
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def delay_s(self, failures: int, retry_after_s: float | None) -> float:
        """Return the delay after ``failures`` failures, at least the server's ``retry_after_s``."""
        ceiling = min(self.max_backoff_s, self.backoff_s * 2.0 ** (failures - 1))
        return max(ceiling * self.random(), retry_after_s or 0.0)

    async def run(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Repeat a call until it succeeds, and return its result.

        Raises:
            TransientError: the failure of the last attempt.
            SightlineError: any other failure, without a retry.
        """
        for failures in range(1, self.tries):
            try:
                return await call()
            except TransientError as error:
                await self.sleep(self.delay_s(failures, error.retry_after_s))
        return await call()
