"""A worker's account of one run's budget: its slices, and the calls under way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from sightline.ports import Amount
from worker.budgets.budget_slice import BudgetSlice

NOTHING = Amount()


@dataclass(slots=True)
class Account:
    """A worker's account of one run's budget, ``dry`` if no further slice could be reserved."""

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
        """The amount taken from a run without a budget: nothing."""
        if self._free is None:
            self._free = Reservation(self, NOTHING)
        return self._free

    def notify(self) -> None:
        """Wake the tasks that wait for budget to be put back; there are none unless it is dry."""
        if self.dry:
            self.wake()

    def wake(self) -> None:
        """Wake the waiting tasks."""
        self.changed.set()
        self.changed = asyncio.Event()


@dataclass(frozen=True, slots=True)
class Reservation:
    """An amount taken from a run's budget for work in progress."""

    account: Account
    taken: Amount

    def charge(self, used: Amount) -> None:
        """Put back the unused amount, and wake the tasks that wait for it."""
        if self.account.budget_slice.limits:
            self.account.budget_slice.charge(self.taken, used)
            self.account.notify()
