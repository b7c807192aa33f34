"""Reserves slices of budgets, so that many workers together never reserve more than is there.

A reservation is recorded first, then all are read: whoever finds the sum beyond the budget gives
its own back. Of two at once, the one recorded later sees both; so no lock is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from worker.budget import Purse, is_abandoned

log = logging.getLogger(__name__)
Result = TypeVar("Result")

NOTHING = Amount()
LOOKS = 3
"""How often a budget is found to be given out before that is believed."""

LONGEST = 6
"""Pauses and wishes change for so many tries."""

LOOK_AGAIN = timedelta(seconds=60)
"""How often a run without a budget is asked whether it has one now."""

LOOK_AGAIN_WHEN_DRY = timedelta(seconds=2)
"""How often a budget that is given out is looked at, while messages of its run keep coming."""


class OverBudgetError(Exception):
    """The budget of a run is reached: the call was not made."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"the budget of run {run_id} is reached")
        self.run_id = run_id


@dataclass(slots=True)
class Account:
    """What a worker knows of one run's budget. ``dry`` when there was nothing to reserve."""

    run_id: str
    purse: Purse = field(default_factory=Purse)
    looked_at: datetime | None = None
    dry: bool = False
    marked: bool = False
    reclaimed: bool = False
    reserving: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _free: Hold | None = None

    @property
    def free(self) -> Hold:
        """What is taken of a run without a budget: nothing."""
        if self._free is None:
            self._free = Hold(self, NOTHING)
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
class Hold:
    """What was taken of a run's budget, for something that is under way."""

    account: Account
    taken: Amount

    def charge(self, used: Amount) -> None:
        """Put back what was not used, and wake those who wait for it."""
        if self.account.purse.limits:
            self.account.purse.charge(self.taken, used)
            self.account.notify()


class Treasury:
    """The budgets of the runs that a worker works on."""

    def __init__(
        self,
        budgets: Budgets,
        *,
        worker_id: str,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        random: Callable[[], float],
        pause_s: float = 0.2,
    ) -> None:
        self._budgets = budgets
        self._worker_id = worker_id
        self._now = now
        self._new_id = new_id
        self._random = random
        self._pause_s = pause_s
        self._accounts: dict[str, Account] = {}

    async def take(self, run_id: str, needed: Amount) -> Hold:
        """Take so much of a run's budget; what is under way may put back what is lacking.

        Raises:
            OverBudgetError: the budget is reached.
            ConfigurationError, StorageError: the budgets cannot be read or written.
        """
        account = self._account(run_id)
        while True:
            if not self._is_known(account):
                await self._look(account, needed)
            purse = account.purse
            if not purse.limits:
                return account.free
            if purse.is_stale(self._now()):
                await self._give_back(account)
            if (taken := purse.take(needed)) is not None:
                return Hold(account, taken)
            changed = account.changed
            if not account.dry:
                await self._reserve_in_turn(account, needed)
                continue
            if not purse.may_get_back(needed):
                await self._mark(account)
                raise OverBudgetError(run_id)
            await changed.wait()

    async def check(self, run_id: str, needed: Amount) -> None:
        """Refuse at once what ``take`` would refuse without asking anybody; take nothing.

        Raises:
            OverBudgetError: the budget is reached.
        """
        account = self._account(run_id)
        if not self._is_known(account):
            await self._look(account, needed)
        purse = account.purse
        if account.dry and not (purse.covers(needed) or purse.may_get_back(needed)):
            await self._mark(account)
            raise OverBudgetError(run_id)

    def is_limited(self, run_id: str) -> bool:
        """Whether a run has a budget, as far as this worker has looked."""
        account = self._accounts.get(run_id)
        return account is not None and bool(account.purse.limits)

    @property
    def calling(self) -> bool:
        """Whether any call is under way."""
        return any(one.purse.calls for one in self._accounts.values())

    async def states(self) -> Mapping[str, BudgetState]:
        """Return the budgets of all runs."""
        return await self._patiently(self._budgets.states)

    async def close(self) -> None:
        """Give back what was reserved and not spent."""
        for account in self._accounts.values():
            await self._give_back(account)

    def _account(self, run_id: str) -> Account:
        if (known := self._accounts.get(run_id)) is not None:
            return known
        return self._accounts.setdefault(run_id, Account(run_id))

    async def _look(self, account: Account, needed: Amount) -> None:
        """Read a run's budget, which is not known, or may have changed."""
        async with account.reserving:
            if self._is_known(account):
                return
            state = await self._state(account)
            account.looked_at = self._now()
            if account.dry and account.purse.wish(state, needed) is not None:
                account.dry = account.marked = account.reclaimed = False
                account.wake()

    def _is_known(self, account: Account) -> bool:
        if account.looked_at is None:
            return False
        age = self._now() - account.looked_at
        if account.purse.limits:
            return not account.dry or age < LOOK_AGAIN_WHEN_DRY
        return age < LOOK_AGAIN

    async def _state(self, account: Account) -> BudgetState:
        states = await self._patiently(lambda: self._budgets.states(account.run_id))
        state = states.get(account.run_id, BudgetState(account.run_id))
        account.purse.limits = state.limits
        return state

    async def _reserve_in_turn(self, account: Account, needed: Amount) -> None:
        """Reserve, unless another call of this worker did so meanwhile, or found nothing."""
        async with account.reserving:
            if not (account.dry or account.purse.covers(needed)):
                account.dry = not await self._reserve(account, needed)

    async def _reserve(self, account: Account, needed: Amount) -> bool:
        """Reserve a slice; return whether there was one.

        Workers that reserve at the same moment all give theirs back and try again, each after a
        pause of its own and for less, until one of them is alone.
        """
        tries = empty = 0
        while empty < LOOKS:
            slice_ = account.purse.wish(await self._state(account), needed, tries)
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
        purse = account.purse
        event_id, at = self._new_id(), self._now()
        purse.reserved(event_id, slice_, at)
        await self._record(self._event(account, BudgetEventKind.RESERVED, event_id, slice_, at))
        if (await self._state(account)).holds:
            purse.kept(slice_)
            return True
        purse.pending -= slice_  # first: cancelled in between, it is given back once
        await self._release(account, slice_)
        return False

    async def _reclaim(self, account: Account) -> bool:
        """Give back, once, what workers hold that are silent for long; return whether any was."""
        if account.reclaimed:
            return False
        account.reclaimed = True
        held = await self._patiently(lambda: self._budgets.holdings(account.run_id))
        found = [
            BudgetEvent(
                released_id(one.last_event_id),
                account.run_id,
                BudgetEventKind.RELEASED,
                one.worker_id,
                one.unspent.cost_usd_micros,
                one.unspent.images,
                self._now(),
            )
            for one in held
            if one.worker_id != self._worker_id and is_abandoned(one.last_at, self._now())
        ]
        if found:
            await self._record(*found)
        return bool(found)

    async def _give_back(self, account: Account) -> None:
        """Give back what is not spent; calls under way keep what they hold."""
        rest = account.purse.empty()
        account.purse.last_at = self._now()
        if rest:
            await self._release(account, rest)

    async def _release(self, account: Account, amount: Amount) -> None:
        """Give back under the name that anybody else would use who thinks this worker dead."""
        purse = account.purse
        event_id, at = released_id(purse.last_event_id), self._now()
        purse.last_event_id, purse.last_at = event_id, at
        await self._record(self._event(account, BudgetEventKind.RELEASED, event_id, amount, at))

    async def _mark(self, account: Account) -> None:
        """Record that the budget is reached, once."""
        if account.marked:
            return
        account.marked = True
        await self._record(
            self._event(
                account,
                BudgetEventKind.REACHED,
                self._new_id(),
                account.purse.limits,
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
