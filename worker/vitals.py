"""What may be read of a worker while it runs: counts, leases, and what its limiters found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol, runtime_checkable

from worker.leaser import Leaser
from worker.limiting import Limiter
from worker.progress import Progress

Kind = Literal["classify", "embed"]
"""What a call is for; each kind has a model and a limiter of its own."""


class LimiterState(Protocol):
    """A limiter at one moment. A share is of the last minute's calls; no ceiling is ``inf``."""

    @property
    def state(self) -> Enum:
        """What the limiter is about."""
        ...

    @property
    def rate_per_s(self) -> float:
        """Calls that may start in a second."""
        ...

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        ...

    @property
    def cap(self) -> int:
        """Calls that may be under way."""
        ...

    @property
    def share_refused(self) -> float:
        """The share of calls that were refused, 0 to 1."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A limiter that says what it is about."""

    def snapshot(self) -> LimiterState:
        """Return the limiter's state at this moment."""
        ...


@dataclass(frozen=True, slots=True)
class Vitals:
    """A worker's vital signs. ``limiter_states`` is for the event loop's thread alone."""

    worker_id: str
    progress: Progress
    leaser: Leaser
    limiters: Mapping[Kind, Limiter]
    stopping: Callable[[], bool]

    def limiter_states(self) -> dict[Kind, LimiterState]:
        """Return what the limiters that tell it are about."""
        return {
            kind: limiter.snapshot()
            for kind, limiter in self.limiters.items()
            if isinstance(limiter, Telling)
        }
