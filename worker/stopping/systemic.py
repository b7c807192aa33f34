"""Tells a failure of the whole job from failures of single subjects: a pure state machine.

A systemic failure (a lost grant, a task that the model rejects) fails every subject the same
way. Dead letters with a systemic reason (``Reason.systemic``) are therefore held back until one
call succeeds; fifty in a row without a success mean that the worker gives its messages back and
stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

Held = TypeVar("Held")


class Verdict(Enum):
    """What becomes of the settlements that are held."""

    HOLD = "hold"
    RELEASE = "release"
    STOP = "stop"


@dataclass(slots=True)
class SystemicGuard(Generic[Held]):
    """Holds suspect settlements until a success, a pause in the work, or the limit."""

    limit: int
    hold_s: float
    _held: list[Held]
    _since_s: float | None = None

    def suspect(self, settlement: Held, now_s: float) -> Verdict:
        """Reservation a settlement whose reason is suspect."""
        if not self._held:
            self._since_s = now_s
        self._held.append(settlement)
        return Verdict.STOP if len(self._held) >= self.limit else Verdict.HOLD

    def success(self) -> Verdict:
        """Hear of a call that succeeded: what is held was no systemic failure."""
        return Verdict.RELEASE if self._held else Verdict.HOLD

    def idle(self, now_s: float) -> Verdict:
        """Hear that nothing is being handled: after ``hold_s`` too few failed to mean anything."""
        if self._since_s is None or now_s - self._since_s < self.hold_s:
            return Verdict.HOLD
        return Verdict.RELEASE

    def take(self) -> list[Held]:
        """Return what is held, and hold nothing any more."""
        held, self._held, self._since_s = self._held, [], None
        return held

    @property
    def held_back(self) -> int:
        """How many settlements are held."""
        return len(self._held)
