"""The budget of an evaluation: one limit for all its calls, charged by a worker's caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.budgets.run_budgets import OverBudgetError


@dataclass(slots=True)
class EvaluationBudget:
    """The limit for all calls together; each is reserved by an estimate, and charged afterwards.

    ``estimates_usd_micros`` holds the estimated cost of a call to each model.
    """

    limit_usd_micros: int | None
    estimates_usd_micros: Mapping[str, int]
    spent_usd_micros: int = 0
    reserved_usd_micros: int = 0
    calls: int = 0

    def of_model(self, model: str) -> ModelBudget:
        """Return the budget of one model's calls."""
        return ModelBudget(self, self.estimates_usd_micros[model])


@dataclass(slots=True)
class ModelBudget:
    """The account of one model's calls; see ``worker.budgets.funds.Funds``."""

    total: EvaluationBudget
    estimate_usd_micros: int

    async def reserve(self) -> None:
        """Reserve the estimate of one call.

        Raises:
            OverBudgetError: the limit is reached; the call must not be made.
        """
        total = self.total
        needed = total.spent_usd_micros + total.reserved_usd_micros + self.estimate_usd_micros
        if total.limit_usd_micros is not None and needed > total.limit_usd_micros:
            raise OverBudgetError("tune")
        total.reserved_usd_micros += self.estimate_usd_micros
        total.calls += 1

    def charge(self, cost_usd_micros: int | None) -> None:
        """Charge the cost of the call, or its estimate if the cost is not known."""
        total = self.total
        total.reserved_usd_micros -= self.estimate_usd_micros
        cost = self.estimate_usd_micros if cost_usd_micros is None else cost_usd_micros
        total.spent_usd_micros += cost
