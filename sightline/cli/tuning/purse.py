"""The money of an evaluation: one purse for all its calls, which a worker's caller pays from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Purse:
    """Money for all calls together; each is set aside by an estimate, and charged after."""

    most_usd_micros: int | None
    estimates: Mapping[str, int]
    spent_usd_micros: int = 0
    held_usd_micros: int = 0
    calls: int = 0

    def estimate_usd_micros(self, subjects: int) -> int:
        """Return about what it costs to ask every model about so many subjects."""
        return subjects * sum(self.estimates.values())

    def of(self, side: str) -> Fund:
        """Return the money of one call after the other, of one model."""
        return Fund(self, self.estimates[side])


@dataclass(slots=True)
class Fund:
    """The money of one call; see ``worker.budgets.funds.Funds``."""

    purse: Purse
    estimate_usd_micros: int

    async def hold(self) -> None:
        """Set aside the estimate; raises OverBudgetError."""
        from worker.budgets.treasury import OverBudgetError

        own = self.purse
        needed = own.spent_usd_micros + own.held_usd_micros + self.estimate_usd_micros
        if own.most_usd_micros is not None and needed > own.most_usd_micros:
            raise OverBudgetError("tune")
        own.held_usd_micros += self.estimate_usd_micros
        own.calls += 1

    def charge(self, cost_usd_micros: int | None) -> None:
        """Pay what the call has cost, or its estimate where nobody knows."""
        own = self.purse
        own.held_usd_micros -= self.estimate_usd_micros
        cost = self.estimate_usd_micros if cost_usd_micros is None else cost_usd_micros
        own.spent_usd_micros += cost
