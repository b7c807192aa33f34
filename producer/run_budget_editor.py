"""Sets a run's budget, before the run exists or later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sightline.errors import ConfigurationError
from sightline.ports import (
    Amount,
    BudgetEvent,
    BudgetEventKind,
    Budgets,
    BudgetState,
    Limits,
    released_id,
)


def read_limits(max_cost_usd: float | None, max_images: int | None) -> Limits:
    """Return the limits in these options.

    Raises:
        ConfigurationError: naming the option, its value and an accepted value.
    """
    if max_cost_usd is not None and not 0 <= max_cost_usd < 1e9:
        raise ConfigurationError(f"--max-cost {max_cost_usd} is not accepted; give USD such as 20")
    if max_images is not None and not 0 <= max_images < 2**31:
        raise ConfigurationError(f"--max-images {max_images} is not accepted; give 0 or more")
    micros = None if max_cost_usd is None else round(max_cost_usd * 1e6)
    return Limits(micros, max_images)


class RunBudgetEditor:
    """Sets budgets, and releases what killed workers had reserved."""

    def __init__(
        self, budgets: Budgets, *, now: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self._budgets = budgets
        self._now = now
        self._new_id = new_id

    async def open(self, run_id: str, limits: Limits) -> None:
        """Set the budget of a run that does not exist yet, so that it is never without one."""
        if limits:
            event = self._event(run_id, BudgetEventKind.SET, limits, self._now())
            await self._budgets.record([event])

    async def change(self, run_id: str, limits: Limits) -> None:
        """Change a run's budget; limits that are not named stay. Earlier spending counts."""
        state = (await self._budgets.states(run_id)).get(run_id)
        before = []
        if state is None:
            state = BudgetState(run_id)
            spent = await self._budgets.spent(run_id)
            before = [self._event(run_id, BudgetEventKind.RESERVED, spent, self._now())]
        cost = limits.cost_usd_micros
        both = Limits(
            state.limits.cost_usd_micros if cost is None else cost,
            state.limits.images if limits.images is None else limits.images,
        )
        event = self._event(run_id, BudgetEventKind.SET, both, self._after(state))
        await self._budgets.record([*before, event])

    async def release(self, run_id: str) -> Amount:
        """Release what workers reserved and no ledger shows as spent; return the amount.

        Only for a run without active workers: an active one would continue to spend it.
        """
        held = await self._budgets.unspent_reservations(run_id)
        total = sum((reservation.unspent for reservation in held), Amount())
        await self._budgets.record(
            [
                BudgetEvent(
                    released_id(reservation.last_event_id),
                    run_id,
                    BudgetEventKind.RELEASED,
                    reservation.worker_id,
                    reservation.unspent.cost_usd_micros,
                    reservation.unspent.images,
                    self._now(),
                )
                for reservation in held
            ]
        )
        state = (await self._budgets.states(run_id)).get(run_id)
        if state is not None:
            again = self._event(run_id, BudgetEventKind.SET, state.limits, self._after(state))
            await self._budgets.record([again])
        return total

    def _after(self, state: BudgetState) -> datetime:
        """Return a time later than that of the replaced event, whatever the clock says."""
        now = self._now()
        if state.last_event_at is None:
            return now
        return max(now, state.last_event_at + timedelta(microseconds=1))

    def _event(
        self, run_id: str, kind: BudgetEventKind, amount: Amount | Limits, at: datetime
    ) -> BudgetEvent:
        return BudgetEvent(
            self._new_id(), run_id, kind, "", amount.cost_usd_micros, amount.images, at
        )
