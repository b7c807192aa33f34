"""The budget of one message, its images and its calls: reserved before a call, charged after."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from sightline.model import AnswerPart, EmbeddingPart, Observation, Part
from sightline.ports import Amount
from sightline.tasks import TaskSpec
from worker.budgets.account import Reservation
from worker.budgets.estimates import Estimates
from worker.budgets.run_budgets import RunBudgets


class Funds(Protocol):
    """Reserves and charges the budget of one part's calls."""

    async def reserve(self) -> None:
        """Reserve the estimated cost of a call.

        Raises:
            OverBudgetError: the budget is reached; do not make the call.
        """
        ...

    def charge(self, cost_usd_micros: int | None) -> None:
        """Charge the cost of the call; if it is unknown (``None``), charge the estimate."""
        ...


class CallFunds:
    """The budget of one part's calls, which are made one after another."""

    def __init__(
        self,
        run_budgets: RunBudgets,
        estimates: Estimates,
        message: MessageFunds,
        part: Part,
        estimate_usd_micros: int,
    ) -> None:
        self._run_budgets = run_budgets
        self._estimates = estimates
        self._message = message
        self._part = part
        self._estimate_usd_micros = estimate_usd_micros
        self._reservation: Reservation | None = None

    async def reserve(self) -> None:
        """Reserve the estimate; raises OverBudgetError."""
        self._estimate_usd_micros = max(
            self._estimate_usd_micros, self._estimates.known_of(self._part)
        )
        needed = Amount(self._estimate_usd_micros)
        self._reservation = await self._run_budgets.reserve(self._message.run_id, needed)
        self._reservation.account.budget_slice.calls += 1
        self._message.called = True

    def charge(self, cost_usd_micros: int | None) -> None:
        """Charge what the call has cost, or its estimate if the cost is unknown."""
        reservation, self._reservation = self._reservation, None
        if reservation is None:
            return
        reservation.account.budget_slice.calls -= 1
        cost = self._estimate_usd_micros if cost_usd_micros is None else cost_usd_micros
        self._estimates.saw(self._part, cost)
        reservation.charge(Amount(cost))


class MessageFunds:
    """The images of one message, counted once if any of its parts made a call."""

    def __init__(
        self,
        run_budgets: RunBudgets,
        estimates: Estimates,
        run_id: str,
        observations: Sequence[Observation],
    ) -> None:
        self.run_id = run_id
        self.called = False
        self._run_budgets = run_budgets
        self._estimates = estimates
        self._images = Amount(images=len(observations))
        self._reservation: Reservation | None = None

    async def __aenter__(self) -> Self:
        """Reserve the images.

        Raises:
            OverBudgetError: the budget is reached; do not make any call.
        """
        self._reservation = await self._run_budgets.reserve(self.run_id, self._images)
        self._reservation.account.budget_slice.messages += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Count the images, or release them if no call was made."""
        reservation, self._reservation = self._reservation, None
        if reservation is not None:
            reservation.account.budget_slice.messages -= 1
            reservation.charge(self._images if self.called else Amount())

    async def for_answer(self, part: AnswerPart, task: TaskSpec) -> CallFunds:
        """Return the budget of the calls for one answer; raises OverBudgetError."""
        if not self._run_budgets.is_limited(self.run_id):
            return self._of(part, 0)
        return await self._checked(
            part, await self._estimates.of_answer(part, task, self._images.images)
        )

    async def for_embedding(self, part: EmbeddingPart) -> CallFunds:
        """Return the budget of the calls for one embedding; raises OverBudgetError."""
        if not self._run_budgets.is_limited(self.run_id):
            return self._of(part, 0)
        return await self._checked(part, await self._estimates.of_embedding(part))

    async def _checked(self, part: Part, estimate_usd_micros: int) -> CallFunds:
        await self._run_budgets.check(self.run_id, Amount(estimate_usd_micros))
        return self._of(part, estimate_usd_micros)

    def _of(self, part: Part, estimate_usd_micros: int) -> CallFunds:
        return CallFunds(self._run_budgets, self._estimates, self, part, estimate_usd_micros)
