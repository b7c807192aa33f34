"""What a worker knows of the budget of one run, and what it has taken of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from sightline.ports import Amount
from worker.budgets.budget_slice import BudgetSlice

NOTHING = Amount()


@dataclass(slots=True)
class Account:
    """What a worker knows of one run's budget. ``dry`` when there was nothing to reserve."""

    run_id: str
    budget_slice: BudgetSlice = field(default_factory=BudgetSlice)
    looked_at: datetime | None = None
    dry: bool = False
    marked: bool = False
    reclaimed: bool = False
    reserving: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _free: Reservation | None = None

    @property
    def free(self) -> Reservation:
        """What is taken of a run without a budget: nothing."""
        if self._free is None:
            self._free = Reservation(self, NOTHING)
        return self._free

    def notify(self) -> None:
        """Wake those who wait for something to be put back; only a dry budget has any."""
        if self.dry:
            self.wake()

    def wake(self) -> None:
        """Wake those who wait."""
        self.changed.set()
        self.changed = asyncio.Event()


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was taken of a run's budget, for something that is under way."""

    account: Account
    taken: Amount

    def charge(self, used: Amount) -> None:
        """Put back what was not used, and wake those who wait for it."""
        if self.account.budget_slice.limits:
            self.account.budget_slice.charge(self.taken, used)
            self.account.notify()
