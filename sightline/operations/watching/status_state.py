"""The progress of all runs for display: parts settled, the rate, and the remaining time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sightline.operations.status import RunStatus, Status
from sightline.operations.watching.trend import Trend

LATELY_S = 120.0
STATES = ("open", "published", "cancelled", "done")
"""The states in which runs are shown: unfinished ones first."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One run's balance, in parts."""

    run_id: str
    state: str
    parts: int
    written: int
    dead: int
    queued: int
    to_publish: int
    cancelled: int
    lost: int
    holds: bool

    @property
    def settled_share(self) -> float:
        """The share of its parts for which nothing is left to do."""
        settled = self.written + self.dead + self.cancelled
        return settled / self.parts if self.parts else 1.0

    @property
    def left(self) -> int:
        """The parts that are still to be done."""
        return self.queued + self.to_publish + self.lost


@dataclass(frozen=True, slots=True)
class StatusView:
    """All runs at one moment. Unknown values are ``None``."""

    runs: tuple[RunView, ...]
    parts_per_s: float | None
    left: int
    eta_s: float | None
    cost_usd: float
    cost_usd_per_hour: float | None
    ready: int | None
    leased: int | None
    dead: Mapping[str, int]

    def rates(self) -> dict[str, Any]:
        """Return the values that need more than one observation."""
        names = ("parts_per_s", "left", "eta_s", "cost_usd", "cost_usd_per_hour")
        return {name: getattr(self, name) for name in names}


class StatusState:
    """Receives the status of the runs repeatedly, with the time; returns what to show."""

    def __init__(self) -> None:
        self._settled = Trend(LATELY_S)
        self._left = Trend(LATELY_S)
        self._cost = Trend(LATELY_S)

    def view(self, now_s: float, status: Status) -> StatusView:
        """Record the status at this moment, and return what to show."""
        runs = tuple(_run_view(run) for run in status.runs)
        cost_usd = sum(run.cost.cost_usd_micros / 1e6 for run in status.runs)
        left = sum(run.left for run in runs)
        self._settled.saw(now_s, sum(run.written + run.dead for run in runs))
        self._left.saw(now_s, left)
        self._cost.saw(now_s, cost_usd)
        cost_per_s = self._cost.per_s()
        return StatusView(
            runs=tuple(sorted(runs, key=lambda run: STATES.index(run.state))),
            parts_per_s=self._settled.per_s(),
            left=left,
            eta_s=self._left.zero_in_s(now_s) if left else None,
            cost_usd=cost_usd,
            cost_usd_per_hour=None if cost_per_s is None else cost_per_s * 3600,
            ready=status.queue.ready,
            leased=status.queue.leased,
            dead=dict(status.dead_letters),
        )


def _run_view(status: RunStatus) -> RunView:
    balance = status.balance
    return RunView(
        run_id=status.run.run_id,
        state=status.state,
        parts=balance.parts,
        written=balance.written,
        dead=balance.dead,
        queued=balance.queued,
        to_publish=balance.to_publish,
        cancelled=balance.cancelled,
        lost=balance.lost,
        holds=balance.holds,
    )
