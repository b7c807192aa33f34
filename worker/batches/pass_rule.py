"""Whether to ask again about the parts that a statement left unanswered: pure, without a clock.

A statement asks a model about many rows. Rows that are refused temporarily are asked again by the
next statement, until none is left. After two statements in a row without any result, asking again
would only cost money, so the rest is left for another day.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

FRUITLESS = 2
"""After this many passes in a row without a result, no further pass is made."""

PAUSE_S = 30.0
LONGEST_PAUSE_S = 600.0
"""The pause after refusals, in seconds; doubled after each pass without a result."""

SYSTEMIC_ROWS = 20
"""If this many rows of a pass are all refused for no fault of an image, the job is at fault."""

UNUSABLE_ROWS = 50
"""If this many rows of a pass all have unusable answers, the task is at fault."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The result of one statement: rows answered, refused permanently, refused temporarily.

    ``denied`` are the refused rows whose reason is unrelated to the image; ``unusable`` were
    answered and paid for, but do not fit the task.
    """

    answered: int
    refused: int
    retryable: int
    denied: int = 0
    unusable: int = 0

    @property
    def settled(self) -> int:
        """The rows that need no further request."""
        return self.answered + self.refused


class Next(Enum):
    """What to do after a pass."""

    GO_ON = "go_on"
    STUCK = "stuck"
    SYSTEMIC = "systemic"
    UNUSABLE = "unusable"


class PassRule:
    """The passes over one batch so far."""

    def __init__(self) -> None:
        self._fruitless = 0

    def after(self, done: Pass) -> Next:
        """Return what to do after this pass."""
        if not done.answered and done.denied >= SYSTEMIC_ROWS and done.denied == done.refused:
            return Next.SYSTEMIC
        if not done.answered and done.unusable >= UNUSABLE_ROWS and done.unusable == done.refused:
            return Next.UNUSABLE
        self._fruitless = 0 if done.settled else self._fruitless + 1
        return Next.STUCK if self._fruitless >= FRUITLESS else Next.GO_ON

    def pause_s(self, done: Pass) -> float:
        """Return how long to wait before the next pass, in seconds: 0 if nothing was refused."""
        if not done.retryable:
            return 0.0
        return min(PAUSE_S * 2.0**self._fruitless, LONGEST_PAUSE_S)
