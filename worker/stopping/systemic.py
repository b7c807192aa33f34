"""Distinguishes a failure of the whole job from failures of single subjects: a pure state machine.

A systemic failure (a revoked grant, a task that the model rejects) fails every subject the same
way. Dead letters with a systemic reason (``Reason.systemic``) are therefore held until one call
succeeds; after fifty in a row without a success the worker nacks its messages and stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

Held = TypeVar("Held")


class Verdict(Enum):
    """What to do with the held settlements."""

    HOLD = "hold"
    RELEASE = "release"
    STOP = "stop"


@dataclass(slots=True)
class SystemicGuard(Generic[Held]):
    """Holds suspect settlements until a success, an idle period, or the limit."""

    limit: int
    hold_s: float
    _held: list[Held]
    _since_s: float | None = None

    def suspect(self, settlement: Held, now_s: float) -> Verdict:
        """Add a settlement whose reason is suspect."""
        if not self._held:
            self._since_s = now_s
        self._held.append(settlement)
        return Verdict.STOP if len(self._held) >= self.limit else Verdict.HOLD

    def success(self) -> Verdict:
        """Record a successful call: the held failures were not systemic."""
        return Verdict.RELEASE if self._held else Verdict.HOLD

    def idle(self, now_s: float) -> Verdict:
        """Record that the worker is idle: after ``hold_s``, too few failed to mean anything."""
        if self._since_s is None or now_s - self._since_s < self.hold_s:
            return Verdict.HOLD
        return Verdict.RELEASE

    def take(self) -> list[Held]:
        """Return the held settlements, and hold none."""
        held, self._held, self._since_s = self._held, [], None
        return held

    @property
    def held_back(self) -> int:
        """How many settlements are held."""
        return len(self._held)
