"""When a worker stops because budgets allow no more of its messages: pure, with time passed in."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sightline.ports import BacklogReader, BudgetState

SPENT_OUT_S = 30.0
"""How long a worker that does not drain waits for a message that a budget allows, in seconds."""


@dataclass(slots=True)
class SpentOutRule:
    """Whether, for ``window_s``, all delivered messages were of runs whose budgets are reached.

    Other messages may still wait in the queue: when the window ends, the caller checks the queue,
    and starts another window if it holds any.
    """

    window_s: float
    runs: set[str] = field(default_factory=set)
    _since_s: float | None = None

    def worked(self, now_s: float) -> None:
        """Record a call, a handled message, or a check that found work."""
        self._since_s = now_s
        self.runs.clear()

    def refused(self, run_id: str, now_s: float) -> None:
        """Record a message that its run's budget refused."""
        self.runs.add(run_id)
        if self._since_s is None:
            self._since_s = now_s

    def is_time(self, now_s: float) -> bool:
        """Return whether to check the queue now."""
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s >= self.window_s


async def only_over_budget(
    backlog: BacklogReader, states: Mapping[str, BudgetState], refused: AbstractSet[str]
) -> frozenset[str]:
    """Return the queued runs if all their budgets are reached, else none.

    ``refused`` are the runs that this worker was just refused. If the queue cannot list its
    content, they are returned.
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
