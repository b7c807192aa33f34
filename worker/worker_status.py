"""The status of a worker while it runs: counts, leases, and what its limiters found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from worker.leaser import Leaser
from worker.limiting import Limiter, LimiterSnapshot
from worker.progress import Progress

Kind = Literal["classify", "embed"]
"""What a call is for; each kind has a model and a limiter of its own."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What may be read of a worker. ``limiter_states`` is for the event loop's thread alone."""

    worker_id: str
    progress: Progress
    leaser: Leaser
    limiters: Mapping[Kind, Limiter]
    stopping: Callable[[], bool]

    def limiter_states(self) -> dict[Kind, LimiterSnapshot]:
        """Return what the limiters are about."""
        return {kind: limiter.snapshot() for kind, limiter in self.limiters.items()}
