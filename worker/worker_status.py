"""The status of a running worker: counters, leases, and the state of its limiters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from worker.calls.outages import Outages
from worker.leaser import Leaser
from worker.limiting import Limiter, LimiterSnapshot
from worker.progress import Progress

Kind = Literal["classify", "embed"]
"""The kind of a call; each kind has its own model and limiter."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What others may read of a worker. Only the event loop's thread may use ``limiter_states``."""

    worker_id: str
    progress: Progress
    leaser: Leaser
    limiters: Mapping[Kind, Limiter]
    outages: Outages
    stopping: Callable[[], bool]

    def limiter_states(self) -> dict[Kind, LimiterSnapshot]:
        """Return the current state of each limiter."""
        return {kind: limiter.snapshot() for kind, limiter in self.limiters.items()}
