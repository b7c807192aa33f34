"""Reserves slices of budgets, so that many workers together never reserve more than is there.

A reservation is recorded first, then all are read: whoever finds the sum beyond the budget gives
its own back. Of two at once, the one recorded later sees both; so no lock is needed.
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
"""How often a budget is found to be given out before that is believed."""

LONGEST = 6
"""Pauses and wishes change for so many tries."""


class SliceReservations:
    """What one worker reserves of budgets and gives back; all of it is recorded."""

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
        return await self._patiently(self._budgets.states)

    async def state(self, account: Account) -> BudgetState:
        """Read a run's budget; the account's slice then knows its limits."""
        states = await self._patiently(lambda: self._budgets.states(account.run_id))
        state = states.get(account.run_id, BudgetState(account.run_id))
        account.budget_slice.limits = state.limits
        return state

    async def reserve(self, account: Account, needed: Amount) -> bool:
        """Reserve a slice; return whether there was one.

        Workers that reserve at the same moment all give theirs back and try again, each after a
        pause of its own and for less, until one of them is alone.
        """
        tries = empty = 0
        while empty < LOOKS:
            slice_ = account.budget_slice.wish(await self.state(account), needed, tries)
            if slice_ is None and await self._reclaim(account):
                continue
            if slice_ is None:
                empty += 1  # a rival may be about to give back what it may not keep
            elif not slice_ or await self._keeps(account, slice_):
                return True
            await asyncio.sleep(self._pause_s * 2**tries * self._random())
            tries = min(tries + 1, LONGEST)
        return False

    async def _keeps(self, account: Account, slice_: Amount) -> bool:
        """Reserve this slice; give it back, and return false, when that was too much."""
        budget_slice = account.budget_slice
        event_id, at = self._new_id(), self._now()
        before = (budget_slice.last_event_id, budget_slice.last_at)
        budget_slice.reserved(event_id, slice_, at)
        try:
            await self._record(self._event(account, BudgetEventKind.RESERVED, event_id, slice_, at))
        except BaseException:
            # It may be recorded or not: given back, it would allow more than the budget.
            budget_slice.pending -= slice_
            budget_slice.last_event_id, budget_slice.last_at = before
            raise
        if (await self.state(account)).holds:
            budget_slice.kept(slice_)
            return True
        budget_slice.pending -= slice_  # first: cancelled in between, it is given back once
        await self._release(account, slice_)
        return False

    async def _reclaim(self, account: Account) -> bool:
        """Give back, once, what long silent workers reserved; return whether any was."""
        if account.reclaimed:
            return False
        account.reclaimed = True
        held = await self._patiently(lambda: self._budgets.unspent_reservations(account.run_id))
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
        """Be heard of: what this worker reserved of the budget is not given back by others."""
        await self.count(account, Amount())

    async def count(self, account: Account, used: Amount) -> None:
        """Record as this worker's what is paid for already, also beyond the budget."""
        event_id, at = self._new_id(), self._now()
        account.budget_slice.last_event_id, account.budget_slice.last_at = event_id, at
        amount = account.budget_slice.limits.of(used)
        await self._record(self._event(account, BudgetEventKind.RESERVED, event_id, amount, at))

    async def give_back(self, account: Account) -> None:
        """Give back what is not spent; calls under way keep their reservations."""
        rest = account.budget_slice.empty()
        account.budget_slice.last_at = self._now()
        if rest:
            await self._release(account, rest)

    async def _release(self, account: Account, amount: Amount) -> None:
        """Give back under the name that anybody else would use who thinks this worker dead."""
        budget_slice = account.budget_slice
        event_id, at = released_id(budget_slice.last_event_id), self._now()
        budget_slice.last_event_id, budget_slice.last_at = event_id, at
        await self._record(self._event(account, BudgetEventKind.RELEASED, event_id, amount, at))

    async def mark(self, account: Account) -> None:
        """Record that the budget is reached, once."""
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
        await self._patiently(lambda: self._budgets.record(events))

    async def _patiently(self, ask: Callable[[], Awaitable[Result]]) -> Result:
        """Ask until there is an answer: without it no call may be paid for."""
        while True:
            try:
                return await ask()
            except TransientError as error:
                log.warning("the budgets cannot be reached, trying again: %s", error)
                await asyncio.sleep(self._pause_s * (1 + self._random()))
