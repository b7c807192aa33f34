"""When a draining worker may stop: a pure rule, with time passed in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Drained(Enum):
    """What is known about the backlog."""

    NOT_YET = "not yet"
    ASK = "ask"
    DONE = "done"
    MISSING = "missing"


LEAST_WAIT_S, MOST_WAIT_S = 0.2, 15.0
"""The shortest and longest wait between two counts of missing parts, in seconds."""


@dataclass(slots=True)
class DrainRule:
    """The backlog is empty if it has seemed so for ``idle_s`` and no part is missing.

    One empty pull proves nothing. Parts that stay missing for ``missing_s`` while the queue is
    empty are reported, since waiting longer would not help. Counting the missing parts reads the
    ledgers, which may cost money, so the wait between two counts doubles.
    """

    idle_s: float
    missing_s: float
    _empty_since_s: float | None = None
    _ask_at_s: float = 0.0
    _wait_s: float = 0.0

    def busy(self) -> None:
        """Record that a message was pulled, is held, or is queued."""
        self._empty_since_s = None

    def empty(self, now_s: float) -> Drained:
        """Record an empty pull while this worker holds nothing."""
        if self._empty_since_s is None:
            self._empty_since_s, self._wait_s = now_s, max(self.idle_s, LEAST_WAIT_S)
            self._ask_at_s = now_s + self.idle_s
        return Drained.ASK if now_s >= self._ask_at_s else Drained.NOT_YET

    def answer(self, missing: int, now_s: float) -> Drained:
        """Record how many parts of open runs are neither written nor dead."""
        if missing == 0:
            return Drained.DONE
        self._ask_at_s = now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, MOST_WAIT_S)
        since_s = now_s if self._empty_since_s is None else self._empty_since_s
        return Drained.MISSING if now_s - since_s >= self.missing_s else Drained.NOT_YET
