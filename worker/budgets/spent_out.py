"""When a worker stops because all that it gets is over budget: a pure rule, with time passed in."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sightline.ports import BacklogReader, BudgetState

SPENT_OUT_S = 30.0
"""For how long a worker that does not drain waits for anything that a budget allows."""


@dataclass(slots=True)
class SpentOutRule:
    """Whether, for ``window_s``, nothing but messages of runs whose budgets are reached came.

    That alone proves nothing about what still waits in the queue: whoever is told that it is time
    looks there, and asks again a window later when something else is in it.
    """

    window_s: float
    runs: set[str] = field(default_factory=set)
    _since_s: float | None = None

    def worked(self, now_s: float) -> None:
        """Hear of a call, of a message that was handled, or of a look that found work."""
        self._since_s = now_s
        self.runs.clear()

    def refused(self, run_id: str, now_s: float) -> None:
        """Hear of a message that a budget did not allow."""
        self.runs.add(run_id)
        if self._since_s is None:
            self._since_s = now_s

    def is_time(self, now_s: float) -> bool:
        """Return whether to look into the queue."""
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s >= self.window_s


async def only_over_budget(
    backlog: BacklogReader, states: Mapping[str, BudgetState], refused: AbstractSet[str]
) -> frozenset[str]:
    """Return the runs that the queue holds, if all their budgets are reached; else nothing.

    ``refused`` are those that this worker was just refused. Where a queue cannot tell what it
    holds, they are the answer.
    """
    queued = await backlog.backlog()
    if queued.ready is None:
        return frozenset(refused & states.keys())
    others = queued.ready + (queued.leased or 0)
    waiting = set()
    for run_id, state in states.items():
        if state.reached or run_id in refused:
            own = await backlog.backlog(run_id)
            count = (own.ready or 0) + (own.leased or 0)
            others -= count
            if count:
                waiting.add(run_id)
    return frozenset() if others > 0 else frozenset(waiting)
