"""When to retry a failed call: a pure policy, with randomness passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sightline.errors import TransientError


class RetryBudget:
    """Limits retries to a share of successes, so that an outage does not multiply calls.

    A token bucket as in Finagle and gRPC: each success adds ``ratio`` tokens, each retry takes one.
    It starts with ``reserve`` tokens, and never holds more.
    """

    def __init__(self, ratio: float, *, reserve: float = 20.0) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._tokens = reserve

    def deposit(self) -> None:
        """Count a success."""
        self._tokens = min(self._reserve, self._tokens + self._ratio)

    def withdraw(self) -> bool:
        """Take a token for a retry; return whether there was one."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with full jitter (Brooker, "Exponential Backoff And Jitter")."""

    base_s: float
    max_s: float

    def delay_s(
        self, failures: int, random: Callable[[], float], floor_s: float | None = None
    ) -> float:
        """Return the pause after this many failures (1 or more), never less than ``floor_s``."""
        ceiling_s = min(self.max_s, self.base_s * 2.0 ** min(failures - 1, 30))
        return max(ceiling_s * random(), floor_s or 0.0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and for how long, a call is tried within one lease."""

    tries: int
    deadline_s: float
    backoff: Backoff

    def pause_before_retry_s(
        self,
        error: TransientError,
        *,
        failures: int,
        elapsed_s: float,
        budget: RetryBudget,
        random: Callable[[], float],
    ) -> float | None:
        """Return the seconds to wait before the next try, or ``None`` to nack the message."""
        if failures >= self.tries:
            return None
        pause_s = self.backoff.delay_s(failures, random, error.retry_after_s)
        if elapsed_s + pause_s > self.deadline_s:
            return None
        return pause_s if budget.withdraw() else None
