"""The budgets of the runs that a worker handles: reserved for calls, and released."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sightline.errors import SightlineError
from sightline.ports import Amount, Budgets, BudgetState
from worker.budgets.account import Account, Reservation
from worker.budgets.slice_reservations import SliceReservations

log = logging.getLogger(__name__)

RENEW_EVERY_S = 900.0
"""How often a long reservation is renewed, well before its slice expires, in seconds."""

LOOK_AGAIN = timedelta(seconds=60)
"""How often to check whether a run without a budget has one now, in seconds."""

LOOK_AGAIN_WHEN_DRY = timedelta(seconds=2)
"""How often to read a budget that is reached again while messages of its run arrive, in seconds."""


class OverBudgetError(Exception):
    """The run's budget is reached: the call was not made."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"the budget of run {run_id} is reached")
        self.run_id = run_id


class RunBudgets:
    """The budgets of the runs that a worker handles."""

    def __init__(
        self,
        budgets: Budgets,
        *,
        worker_id: str,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        random: Callable[[], float],
        pause_s: float = 0.2,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sleep = sleep
        self._reservations = SliceReservations(
            budgets,
            worker_id=worker_id,
            now=now,
            new_id=new_id,
            random=random,
            pause_s=pause_s,
        )
        self._now = now
        self._accounts: dict[str, Account] = {}

    async def reserve(self, run_id: str, needed: Amount) -> Reservation:
        """Reserve an amount of a run's budget; if it is short, wait for calls under way to release
        some.

        Raises:
            OverBudgetError: the budget is reached.
            ConfigurationError, StorageError: the budgets cannot be read or written.
        """
        account = self._account(run_id)
        while True:
            if not self._is_known(account):
                await self._look(account, needed)
            budget_slice = account.budget_slice
            if not budget_slice.limits:
                return account.free
            if budget_slice.is_stale(self._now()):
                await self._reservations.give_back(account)
            if (amount := budget_slice.take(needed)) is not None:
                return Reservation(account, amount)
            changed = account.changed
            if not account.dry:
                await self._reserve_in_turn(account, needed)
                continue
            if not budget_slice.may_get_back(needed):
                await self._reservations.mark(account)
                raise OverBudgetError(run_id)
            await changed.wait()

    async def count(self, run_id: str, used: Amount) -> None:
        """Charge a cost that was not reserved, whatever is left of the budget.

        Raises:
            ConfigurationError, StorageError: the budgets cannot be read or written.
        """
        account = self._account(run_id)
        await self._reservations.state(account)
        if account.budget_slice.limits:
            await self._reservations.count(account, used)

    async def check(self, run_id: str, needed: Amount) -> None:
        """Raise if ``reserve`` would refuse without a query; reserve nothing.

        Raises:
            OverBudgetError: the budget is reached.
        """
        account = self._account(run_id)
        if not self._is_known(account):
            await self._look(account, needed)
        budget_slice = account.budget_slice
        if account.dry and not (budget_slice.covers(needed) or budget_slice.may_get_back(needed)):
            await self._reservations.mark(account)
            raise OverBudgetError(run_id)

    def is_limited(self, run_id: str) -> bool:
        """Whether a run has a budget, as far as this worker knows."""
        account = self._accounts.get(run_id)
        return account is not None and bool(account.budget_slice.limits)

    @asynccontextmanager
    async def kept(self, run_id: str) -> AsyncIterator[None]:
        """Renew a reservation while work that may last hours is in progress.

        If a renewal fails unexpectedly, the work is interrupted and the error is raised.
        """
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._renew(self._account(run_id)))
                yield
                renewing.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _renew(self, account: Account) -> None:
        while account.budget_slice.limits:
            await self._sleep(RENEW_EVERY_S)
            try:
                await self._reservations.renew(account)
            except (
                SightlineError
            ) as error:  # the work in progress is paid for: a failed renewal does not end it
                log.warning("a budget reservation could not be renewed: %s", error)

    @property
    def calling(self) -> bool:
        """Whether any call is under way."""
        return any(account.budget_slice.calls for account in self._accounts.values())

    async def states(self) -> Mapping[str, BudgetState]:
        """Return the budgets of all runs."""
        return await self._reservations.states()

    async def close(self) -> None:
        """Release the reservations that were not spent."""
        for account in self._accounts.values():
            await self._reservations.give_back(account)

    def _account(self, run_id: str) -> Account:
        if (known := self._accounts.get(run_id)) is not None:
            return known
        return self._accounts.setdefault(run_id, Account(run_id))

    async def _look(self, account: Account, needed: Amount) -> None:
        """Read a run's budget if it is unknown or may have changed."""
        async with account.reserving:
            if self._is_known(account):
                return
            state = await self._reservations.state(account)
            account.looked_at = self._now()
            if account.dry and account.budget_slice.next_slice(state, needed) is not None:
                account.dry = account.marked = account.reclaimed = False
                account.wake()

    def _is_known(self, account: Account) -> bool:
        if account.looked_at is None:
            return False
        age = self._now() - account.looked_at
        if account.budget_slice.limits:
            return not account.dry or age < LOOK_AGAIN_WHEN_DRY
        return age < LOOK_AGAIN

    async def _reserve_in_turn(self, account: Account, needed: Amount) -> None:
        """Reserve, unless another call of this worker has just reserved, or failed to."""
        async with account.reserving:
            if not (account.dry or account.budget_slice.covers(needed)):
                account.dry = not await self._reservations.reserve(account, needed)
