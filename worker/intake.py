"""Pulls messages while there is room for them, until the worker stops or the backlog is empty."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field

from sightline.errors import BudgetError, ConfigurationError, TransientError
from sightline.ports import BacklogReader, BudgetState, Delivery, Ledgers, Subscription
from sightline.settings import WorkerSettings
from worker.budgets.budget_slice import next_step
from worker.budgets.run_budgets import RunBudgets
from worker.budgets.spent_out import SPENT_OUT_S, SpentOutRule, only_over_budget
from worker.concurrency.in_hand import InHand
from worker.concurrency.retry_until_stopped import RetryUntilStopped
from worker.concurrency.side_tasks import SideTask
from worker.handler import Handler
from worker.leaser import Lease, Leaser
from worker.messages.lookup import Lookup
from worker.progress import Progress
from worker.results.settlement import Settlement
from worker.stopping.drain import Drained, DrainRule
from worker.stopping.suspects import Suspects
from worker.writer import BatchWriter

Handle = Callable[[Lease, frozenset[str]], Coroutine[None, None, None]]
"""Handles a message; the keys are those of parts that are already in the ledgers."""


@dataclass(slots=True)
class MessageIntake:
    """Pulls messages, leases them, and starts a ``handle`` task for each."""

    subscription: Subscription
    backlog: BacklogReader
    ledgers: Ledgers
    handler: Handler
    leaser: Leaser
    writer: BatchWriter
    run_budgets: RunBudgets
    suspects: Suspects
    lookup: Lookup
    progress: Progress
    settings: WorkerSettings
    retry: RetryUntilStopped
    handle: Handle
    monotonic: Callable[[], float]
    _handling: InHand = field(init=False)
    _room: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _pulls_failed: int = field(init=False, default=0)
    _collecting: bool = field(init=False, default=True)
    _spent_out: SpentOutRule = field(init=False, default_factory=lambda: SpentOutRule(SPENT_OUT_S))

    def __post_init__(self) -> None:
        """Start without messages."""
        self._handling = InHand(self._handled)

    async def run(self, *, drain: bool) -> None:
        """Pull messages until stopped, or with ``drain`` until the backlog is empty.

        Raises:
            BudgetError: every queued message belongs to a run whose budget is reached.
            ConfigurationError: the queue is empty, but parts of open runs are missing.
        """
        rule = None
        if drain:
            rule = DrainRule(self.settings.drain_idle_s, self.settings.drain_missing_s)
            self._spent_out.window_s = self.settings.drain_idle_s
        try:
            await self._take_in(rule)
        except TransientError:
            if not self.retry.stopping.is_set():
                raise  # else a stop was requested while a read was being retried

    async def end(self, grace_s: float, *, writing: SideTask) -> None:
        """Wait until all messages are handled; see ``InHand.end``."""
        await self._handling.end(grace_s, writing=writing)

    def make_room(self) -> None:
        """Wake the intake: messages were settled, or a stop was requested."""
        self._room.set()

    def record(self, settlement: Settlement) -> None:
        """Record how a message was handled, and whether its run's budget refused it."""
        if settlement.over_budget and not settlement.rows:
            self._spent_out.refused(settlement.over_budget, self.monotonic())
        else:
            self._spent_out.worked(self.monotonic())

    async def collect_backstop(self) -> None:
        """Record messages of the dead-letter topic as dead letters, in a side task: a pull takes
        time.
        """
        while deliveries := await self.subscription.collect_backstop(1000):
            settled = await self.lookup.settled(deliveries)
            for lease in self.leaser.hold(deliveries):
                self.writer.add(self.handler.give_up(lease, settled))
            while self.leaser.holds(deliveries) and not self.retry.stopping.is_set():
                await self._wait_for_room()
        self._collecting = False

    async def _take_in(self, rule: DrainRule | None) -> None:
        while not self.retry.stopping.is_set():
            if self._only_refused():
                await self._look_for_other_work()
            room = min(
                self.settings.prefetch - len(self._handling),
                self.settings.max_outstanding - self.leaser.outstanding,
            )
            if room <= (self.settings.prefetch // 4 if self._handling else 0):
                await self._wait_for_room()
                continue
            deliveries = await self._pull(room)
            if deliveries:
                if rule:
                    rule.busy()
                await self._start(deliveries)
            elif await self._nothing_came(rule):
                return

    def _only_refused(self) -> bool:
        """Return whether, for some time, the budgets have allowed no work."""
        now_s = self.monotonic()
        if self.run_budgets.calling:
            self._spent_out.worked(now_s)
        idle = bool(self._spent_out.runs) or not self._handling
        return idle and self._spent_out.is_time(now_s)

    async def _look_for_other_work(self) -> None:
        """Check whether the queue holds messages of runs whose budgets are not reached.

        Raises:
            BudgetError: it holds none.
        """
        if self._handling:
            await self._wait_for_room()
            return
        waiting, states = await self.retry.read("budgets cannot be read", self._over_budget)
        self._spent_out.worked(self.monotonic())
        if waiting:
            raise BudgetError(next_step(states[min(waiting)]))

    async def _over_budget(self) -> tuple[frozenset[str], Mapping[str, BudgetState]]:
        if not self._spent_out.runs and (await self.backlog.backlog()).ready is None:
            return frozenset(), {}  # nothing was refused, and the queue's content is unknown
        states = await self.run_budgets.states()
        return await only_over_budget(self.backlog, states, self._spent_out.runs), states

    async def _pull(self, room: int) -> Sequence[Delivery]:
        try:
            deliveries = await self.subscription.pull(room, lease_s=self.settings.lease_s)
        except TransientError as error:
            self._pulls_failed += 1
            await self.retry.pause("nothing pulled", self._pulls_failed, error)
            return ()
        self._pulls_failed = 0
        return deliveries

    async def _start(self, deliveries: Sequence[Delivery]) -> None:
        self.progress.pulled += len(deliveries)
        leases = self.leaser.hold(deliveries)
        settled = await self.lookup.settled(deliveries)
        for lease in leases:
            self._handling.start(self.handle(lease, settled))

    async def _wait_for_room(self) -> None:
        """Wait until messages are handled or settled, or a stop is requested."""
        self._room.clear()
        if not self._handling:
            self.writer.flush_soon()
        if not self.retry.stopping.is_set():
            await self._room.wait()

    async def _nothing_came(self, rule: DrainRule | None) -> bool:
        """Wait briefly; return whether the drain is complete."""
        self.lookup.nothing_came()
        if not self._handling:
            self.writer.flush_soon()
            self.suspects.idle()
        if rule and await self._drained(rule):
            return True
        await self.retry.nap(self.settings.idle_poll_s)
        return False

    async def _drained(self, rule: DrainRule) -> bool:
        if self._collecting or self.leaser.outstanding > self.suspects.held_back:
            rule.busy()
            return False
        state = await self.backlog.backlog()
        others = (state.ready or 0) + (state.leased or 0) - self.suspects.held_back
        if others > 0:
            rule.busy()
            return False
        if rule.empty(self.monotonic()) is Drained.NOT_YET:
            return False
        if self.suspects.held_back:
            self.suspects.release()  # too few failures to conclude that the job is at fault
            return False
        missing = await self.retry.read("the ledgers cannot be read", self.ledgers.missing)
        verdict = rule.answer(missing, self.monotonic())
        if verdict is Drained.MISSING:
            raise ConfigurationError(
                f"the queue is empty, but {missing} parts of open runs are neither written nor"
                " dead; `sightline status` shows whose, and `sightline enqueue --reconcile RUN`"
                " publishes them again"
            )
        return verdict is Drained.DONE

    def _handled(self) -> None:
        if len(self._handling) <= self.settings.prefetch // 2:
            self._room.set()
