"""Whether what a statement left unanswered is asked again: a state machine without a clock.

A statement asks a model about many rows at once. Some come back refused for now, and are asked
again by the next statement, until none is left. Where two statements in a row bring nothing, asking
on would only cost: what is left stays as it is, for another day.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

FRUITLESS = 2
"""After so many passes in a row that brought nothing, no further one is made."""

PAUSE_S = 30.0
LONGEST_PAUSE_S = 600.0
"""Before a pass that follows refusals: doubled for each pass that brought nothing."""

SYSTEMIC_ROWS = 20
"""So many rows of a pass, all refused for what no image is to blame for, are a fault of the job."""

UNUSABLE_ROWS = 50
"""So many rows of a pass, all with answers that cannot be used, are a fault of the task."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What one statement brought: rows answered, refused for good, refused for now.

    ``denied`` are those of the refused that no image is to blame for, ``unusable`` those that were
    answered and paid for, and fit no task.
    """

    answered: int
    refused: int
    retryable: int
    denied: int = 0
    unusable: int = 0

    @property
    def settled(self) -> int:
        """The rows about which nothing more is to be asked."""
        return self.answered + self.refused


class Next(Enum):
    """What to do after a pass."""

    GO_ON = "go_on"
    STUCK = "stuck"
    SYSTEMIC = "systemic"
    UNUSABLE = "unusable"


class PassRule:
    """The passes over one batch of rows so far."""

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
        """Return how long to wait before the next pass: not at all where nothing was refused."""
        if not done.retryable:
            return 0.0
        return min(PAUSE_S * 2.0**self._fruitless, LONGEST_PAUSE_S)
