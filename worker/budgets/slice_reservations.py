"""Reserves slices of budgets, so that concurrent workers never reserve more than is left.

A reservation is recorded first; then all reservations are read, and a worker that finds the sum
above the budget releases its own. Of two concurrent reservations, the one recorded later sees both,
so no lock is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

from sightline.errors import TransientError
from sightline.ports import (
    Amount,
    BudgetEvent,
    BudgetEventKind,
    Budgets,
    BudgetState,
    Limits,
    released_id,
)
from worker.budgets.account import Account
from worker.budgets.budget_slice import is_abandoned

log = logging.getLogger(__name__)
Result = TypeVar("Result")

LOOKS = 3
"""How many tries must find the budget fully reserved before this is final."""

LONGEST = 6
"""Pauses and slice sizes change over this many tries."""


class SliceReservations:
    """Reserves and releases slices for one worker, recording each change."""

    def __init__(
        self,
        budgets: Budgets,
        *,
        worker_id: str,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        random: Callable[[], float],
        pause_s: float,
    ) -> None:
        self._budgets = budgets
        self._worker_id = worker_id
        self._now = now
        self._new_id = new_id
        self._random = random
        self._pause_s = pause_s

    async def states(self) -> Mapping[str, BudgetState]:
        """Return the budgets of all runs."""
        return await self._until_answered(self._budgets.states)

    async def state(self, account: Account) -> BudgetState:
        """Read a run's budget into the account's slice."""
        states = await self._until_answered(lambda: self._budgets.states(account.run_id))
        state = states.get(account.run_id, BudgetState(account.run_id))
        account.budget_slice.limits = state.limits
        return state

    async def reserve(self, account: Account, needed: Amount) -> bool:
        """Reserve a slice; return whether one was left.

        Workers that reserve at the same moment all release theirs and try again, each after its own
        random pause and for a smaller slice, until one succeeds.
        """
        tries = empty = 0
        while empty < LOOKS:
            slice_ = account.budget_slice.next_slice(await self.state(account), needed, tries)
            if slice_ is None and await self._reclaim(account):
                continue
            if slice_ is None:
                empty += 1  # another worker may be about to release an excess
            elif not slice_ or await self._keeps(account, slice_):
                return True
            await asyncio.sleep(self._pause_s * 2**tries * self._random())
            tries = min(tries + 1, LONGEST)
        return False

    async def _keeps(self, account: Account, slice_: Amount) -> bool:
        """Reserve this slice; release it and return false if the sum exceeds the budget."""
        budget_slice = account.budget_slice
        event_id, at = self._new_id(), self._now()
        before = (budget_slice.last_event_id, budget_slice.last_at)
        budget_slice.reserved(event_id, slice_, at)
        try:
            await self._record(self._event(account, BudgetEventKind.RESERVED, event_id, slice_, at))
        except BaseException:
            # The record may or may not be durable: releasing it could exceed the budget.
            budget_slice.pending -= slice_
            budget_slice.last_event_id, budget_slice.last_at = before
            raise
        if (await self.state(account)).holds:
            budget_slice.kept(slice_)
            return True
        budget_slice.pending -= (
            slice_  # before the await: if it is cancelled, the slice is released only once
        )
        await self._release(account, slice_)
        return False

    async def _reclaim(self, account: Account) -> bool:
        """Release, once, what workers that stopped long ago had reserved; return whether there was
        any.
        """
        if account.reclaimed:
            return False
        account.reclaimed = True
        held = await self._until_answered(
            lambda: self._budgets.unspent_reservations(account.run_id)
        )
        releases = [
            BudgetEvent(
                released_id(share.last_event_id),
                account.run_id,
                BudgetEventKind.RELEASED,
                share.worker_id,
                share.unspent.cost_usd_micros,
                share.unspent.images,
                self._now(),
            )
            for share in held
            if share.worker_id != self._worker_id and is_abandoned(share.last_at, self._now())
        ]
        if releases:
            await self._record(*releases)
        return bool(releases)

    async def renew(self, account: Account) -> None:
        """Record that this worker is alive, so that others do not release its reservations."""
        await self.count(account, Amount())

    async def count(self, account: Account, used: Amount) -> None:
        """Record a cost that is already paid as this worker's, even beyond the budget."""
        event_id, at = self._new_id(), self._now()
        account.budget_slice.last_event_id, account.budget_slice.last_at = event_id, at
        amount = account.budget_slice.limits.of(used)
        await self._record(self._event(account, BudgetEventKind.RESERVED, event_id, amount, at))

    async def give_back(self, account: Account) -> None:
        """Release what is not spent, except for calls under way."""
        rest = account.budget_slice.empty()
        account.budget_slice.last_at = self._now()
        if rest:
            await self._release(account, rest)

    async def _release(self, account: Account, amount: Amount) -> None:
        """Release under the record name that any other worker would use, so that it happens only
        once.
        """
        budget_slice = account.budget_slice
        event_id, at = released_id(budget_slice.last_event_id), self._now()
        budget_slice.last_event_id, budget_slice.last_at = event_id, at
        await self._record(self._event(account, BudgetEventKind.RELEASED, event_id, amount, at))

    async def mark(self, account: Account) -> None:
        """Record, once, that the budget is reached."""
        if account.marked:
            return
        account.marked = True
        await self._record(
            self._event(
                account,
                BudgetEventKind.REACHED,
                self._new_id(),
                account.budget_slice.limits,
                self._now(),
            )
        )

    def _event(
        self,
        account: Account,
        kind: BudgetEventKind,
        event_id: str,
        amount: Amount | Limits,
        at: datetime,
    ) -> BudgetEvent:
        return BudgetEvent(
            event_id,
            account.run_id,
            kind,
            self._worker_id,
            amount.cost_usd_micros,
            amount.images,
            at,
        )

    async def _record(self, *events: BudgetEvent) -> None:
        await self._until_answered(lambda: self._budgets.record(events))

    async def _until_answered(self, query: Callable[[], Awaitable[Result]]) -> Result:
        """Retry until the budgets can be read: without them no call may be paid for."""
        while True:
            try:
                return await query()
            except TransientError as error:
                log.warning("the budgets cannot be read or written, trying again: %s", error)
                await asyncio.sleep(self._pause_s * (1 + self._random()))
