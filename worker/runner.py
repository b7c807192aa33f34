"""The worker's whole life: pull, handle, write, settle; and how it stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from sightline.errors import (
    BudgetError,
    ConfigurationError,
    InternalError,
    SightlineError,
    TransientError,
)
from sightline.ports import (
    BacklogReader,
    BudgetState,
    DeadLetterRow,
    Delivery,
    Ledgers,
    Subscription,
)
from sightline.settings import WorkerSettings
from worker.budgets.budget_slice import next_step
from worker.budgets.run_budgets import RunBudgets
from worker.budgets.spent_out import SPENT_OUT_S, SpentOutRule, only_over_budget
from worker.drain import Drained, DrainRule
from worker.handled import HANDLED
from worker.handler import Handler
from worker.in_hand import InHand
from worker.leaser import Lease, Leaser
from worker.lookup import Lookup, LookupRule
from worker.progress import Progress
from worker.retry import Backoff
from worker.retry_until_stopped import RetryUntilStopped
from worker.settlement import Settle, Settlement
from worker.side_tasks import SideTask, SideTasks, Work, as_reported, was_cancelled
from worker.systemic import SystemicGuard, Verdict
from worker.writer import BatchWriter

log = logging.getLogger(__name__)

NOTHING_BESIDE: Mapping[str, Work] = MappingProxyType({})
A_MESSAGE = "the handling of a message"


class Runner:
    """Runs until stopped or drained. ``stop`` asks it to drain what it holds and return."""

    def __init__(
        self,
        subscription: Subscription,
        backlog: BacklogReader,
        ledgers: Ledgers,
        handler: Handler,
        leaser: Leaser,
        writer: BatchWriter,
        run_budgets: RunBudgets,
        progress: Progress,
        settings: WorkerSettings,
        *,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        trusts_first_deliveries: bool = True,
    ) -> None:
        self._subscription = subscription
        self._backlog = backlog
        self._ledgers = ledgers
        self._handler = handler
        self._leaser = leaser
        self._writer = writer
        self._run_budgets = run_budgets
        self._progress = progress
        self._settings = settings
        self._monotonic = monotonic
        self._stop = asyncio.Event()
        backoff = Backoff(settings.backoff_s, settings.max_backoff_s)
        self._retry = RetryUntilStopped(backoff, random, self._stop)
        self._lookup = Lookup(
            ledgers,
            progress,
            self._retry.read,
            LookupRule(trusts_first_deliveries, settings.max_lease_s),
            monotonic=monotonic,
        )
        self._pulls_failed = 0
        self._room = asyncio.Event()
        self._handling = InHand(self._handled)
        self._guard: SystemicGuard[Settlement] = SystemicGuard(
            settings.systemic_failures, settings.systemic_hold_s, []
        )
        self._cancelled_runs: frozenset[str] = frozenset()
        self._error: SightlineError | None = None
        self._backstop: SideTask | None = None
        self._spent_out = SpentOutRule(SPENT_OUT_S)

    def stop(self) -> None:
        """Ask for an orderly stop; safe to call from a signal handler of the loop."""
        self._stop.set()
        self._room.set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop, or failed."""
        return self._stop.is_set()

    async def run(
        self, *, drain: bool = False, beside: Mapping[str, Work] = NOTHING_BESIDE
    ) -> None:
        """Work until ``stop``, or with ``drain`` until the backlog is empty.

        What runs ``beside`` the work, by name, lives as long as it. A part of the worker that ends
        by itself, whatever the cause, stops the worker at once.

        Raises:
            ConfigurationError, StorageError: the job cannot go on; what was held is given back.
            BudgetError: all that is queued is of runs whose budgets are reached.
            InternalError: a part of the worker failed, or ended; what was held is given back.
        """
        settings = self._settings
        rule = DrainRule(settings.drain_idle_s, settings.drain_missing_s) if drain else None
        self._spent_out = SpentOutRule(settings.drain_idle_s if drain else SPENT_OUT_S)
        async with SideTasks(self._fail) as side:
            leasing = self._start_leaser(side)
            writing = self._start_writer(side)
            side.start("the watch on cancelled runs", self._watch_cancelled)
            self._backstop = side.start(
                "the collector of what the queue gave up on",
                self._collect_backstop,
                may_end=lambda: True,
            )
            for name, work in beside.items():
                side.start(name, work)
            try:
                await self._guarded("the intake", self._intake(rule))
            finally:
                await side.end(self._backstop)
                if _failed(leasing):
                    self._start_leaser(side)  # once more, since leases outlast the drain
                if _failed(writing):
                    writing = self._start_writer(side)  # once more, for what is paid for
                await self._finish(writing)
        if self._error is not None:
            raise self._error

    def _start_leaser(self, side: SideTasks) -> SideTask:
        return side.start("the leaser", self._leaser.run)

    def _start_writer(self, side: SideTasks) -> SideTask:
        return side.start("the writer", self._writer.run, may_end=lambda: self._writer.closing)

    async def _guarded(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Do a part of the work; what it cannot mend itself stops the worker."""
        try:
            await work
        except (Exception, asyncio.CancelledError) as error:
            if was_cancelled(error):
                raise
            self._fail(as_reported(name, error))

    # --- intake -------------------------------------------------------------------------------

    async def _intake(self, rule: DrainRule | None) -> None:
        try:
            await self._take_in(rule)
        except TransientError:
            if not self._stop.is_set():
                raise  # else it was asked to stop while something could not be read

    async def _take_in(self, rule: DrainRule | None) -> None:
        while not self._stop.is_set():
            if self._only_refused():
                await self._look_for_other_work()
            room = min(
                self._settings.prefetch - len(self._handling),
                self._settings.max_outstanding - self._leaser.outstanding,
            )
            if room <= (self._settings.prefetch // 4 if self._handling else 0):
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
        """Return whether for a while there was nothing to do that a budget allowed."""
        now_s = self._monotonic()
        if self._run_budgets.calling:
            self._spent_out.worked(now_s)
        idle = bool(self._spent_out.runs) or not self._handling
        return idle and self._spent_out.is_time(now_s)

    async def _look_for_other_work(self) -> None:
        """Look whether anything but messages of runs whose budgets are reached is queued.

        Raises:
            BudgetError: nothing is.
        """
        if self._handling:
            await self._wait_for_room()
            return
        waiting, states = await self._retry.read("budgets cannot be read", self._over_budget)
        self._spent_out.worked(self._monotonic())
        if waiting:
            raise BudgetError(next_step(states[min(waiting)]))

    async def _over_budget(self) -> tuple[frozenset[str], Mapping[str, BudgetState]]:
        if not self._spent_out.runs and (await self._backlog.backlog()).ready is None:
            return frozenset(), {}  # nothing was refused, and nobody can tell what is queued
        states = await self._run_budgets.states()
        return await only_over_budget(self._backlog, states, self._spent_out.runs), states

    async def _pull(self, room: int) -> Sequence[Delivery]:
        try:
            found = await self._subscription.pull(room, lease_s=self._settings.lease_s)
        except TransientError as error:
            self._pulls_failed += 1
            await self._retry.pause("nothing pulled", self._pulls_failed, error)
            return ()
        self._pulls_failed = 0
        return found

    async def _start(self, deliveries: Sequence[Delivery]) -> None:
        self._progress.pulled += len(deliveries)
        leases = self._leaser.hold(deliveries)
        settled = await self._lookup.settled(deliveries)
        for lease in leases:
            self._handling.start(self._handle(lease, settled))

    async def _wait_for_room(self) -> None:
        """Wait until messages were handled or settled, or a stop is asked for."""
        self._room.clear()
        if not self._handling:
            self._writer.flush_soon()
        if not self._stop.is_set():
            await self._room.wait()

    def settled(self) -> None:
        """Hear that a batch was settled (called by the writer)."""
        self._room.set()

    async def _nothing_came(self, rule: DrainRule | None) -> bool:
        """Wait a little; return whether a drain is done."""
        self._lookup.nothing_came()
        if not self._handling:
            self._writer.flush_soon()
            self._judge(self._guard.idle(self._monotonic()))
        if rule and await self._drained(rule):
            return True
        await self._retry.nap(self._settings.idle_poll_s)
        return False

    async def _drained(self, rule: DrainRule) -> bool:
        collecting = self._backstop is not None and not self._backstop.done()
        if collecting or self._leaser.outstanding > self._guard.held_back:
            rule.busy()
            return False
        state = await self._backlog.backlog()
        others = (state.ready or 0) + (state.leased or 0) - self._guard.held_back
        if others > 0:
            rule.busy()
            return False
        if rule.empty(self._monotonic()) is Drained.NOT_YET:
            return False
        if self._guard.held_back:
            self._judge(Verdict.RELEASE)  # too few failed to say that the job is at fault
            return False
        missing = await self._retry.read("the ledgers cannot be read", self._ledgers.missing)
        verdict = rule.answer(missing, self._monotonic())
        if verdict is Drained.MISSING:
            raise ConfigurationError(
                f"the queue is empty, but {missing} parts of open runs are neither written nor"
                " dead; `sightline status` shows whose, and `sightline enqueue --reconcile RUN`"
                " publishes them again"
            )
        return verdict is Drained.DONE

    # --- one message --------------------------------------------------------------------------

    async def _handle(self, lease: Lease, settled: frozenset[str]) -> None:
        HANDLED.set(lease.delivery)
        await self._guarded(A_MESSAGE, self._handle_one(lease, settled))

    async def _handle_one(self, lease: Lease, settled: frozenset[str]) -> None:
        settlement = await self._handler.handle(lease, settled, self._is_cancelled)
        if settlement.failure is not None:
            self._fail(as_reported(A_MESSAGE, settlement.failure))
        if settlement.over_budget and not settlement.rows:
            self._spent_out.refused(settlement.over_budget, self._monotonic())
        else:
            self._spent_out.worked(self._monotonic())
        if settlement.suspect:
            self._judge(self._guard.suspect(settlement, self._monotonic()))
            return
        self._writer.add(settlement)
        if settlement.succeeded and self._guard.held_back:
            self._judge(self._guard.success())

    def _is_cancelled(self, run_id: str) -> bool:
        return run_id in self._cancelled_runs

    def _handled(self) -> None:
        if len(self._handling) <= self._settings.prefetch // 2:
            self._room.set()

    def _judge(self, verdict: Verdict) -> None:
        if verdict is Verdict.RELEASE:
            for settlement in self._guard.take():
                self._writer.add(settlement)
        elif verdict is Verdict.STOP:
            held = self._guard.take()
            self._keep_costs(held)
            last = held[-1].rows[-1]
            self._fail(
                ConfigurationError(
                    f"{len(held)} failures in a row without one success, the last:"
                    f" {getattr(last, 'reason', '')} {getattr(last, 'detail', '')};"
                    " nothing was given up: mend the cause, then `sightline work`"
                )
            )

    def _keep_costs(self, held: Sequence[Settlement]) -> None:
        """Write what suspect failures cost, though nothing is given up and all comes again."""
        for settlement in held:
            costs = tuple(
                replace(row, event="retried")
                for row in settlement.rows
                if isinstance(row, DeadLetterRow)
                and (row.usage.cost_usd_micros or row.usage.input_tokens)
            )
            if costs:
                self._writer.add(replace(settlement, settle=Settle.KEEP, rows=costs))

    def _fail(self, error: SightlineError) -> None:
        """Stop; the first error is what the worker ends with, unless it only is out of budget."""
        if self._error is None or (
            isinstance(self._error, BudgetError) and not isinstance(error, BudgetError)
        ):
            self._error = error
        elif error is not self._error:
            log.error("while the worker stops: %s", error)
        if isinstance(error, InternalError):
            log.info("%s", error, exc_info=error)  # where it came from; shown as text to --debug
        self.stop()

    # --- around it ----------------------------------------------------------------------------

    async def _watch_cancelled(self) -> None:
        while True:
            self._cancelled_runs = await self._retry.read(
                "cancelled runs cannot be read", self._ledgers.cancelled_runs
            )
            await asyncio.sleep(self._settings.cancel_poll_s)

    async def _finish(self, writing: SideTask) -> None:
        """Drain within the grace period, still extending leases; give the rest back.

        When nothing can be written any more, nothing more is paid for: there is no grace.
        """
        await self._handling.end(self._settings.grace_s, writing=writing)
        if self._error is None:
            self._judge(Verdict.RELEASE)
        else:
            self._keep_costs(self._guard.take())
        self._writer.close()
        await asyncio.wait([writing])
        await self._guarded("giving messages back", self._give_back())
        await self._guarded("giving back what is left of budgets", self._run_budgets.close())

    async def _give_back(self) -> None:
        left = [lease.delivery.lease_id for lease in self._leaser.all()]
        if left:
            self._leaser.forget(left)
            self._progress.nacked_at_stop += len(left)
            await self._subscription.nack(left)

    async def _collect_backstop(self) -> None:
        """Record as dead what the queue itself gave up on, beside the work: looking takes time."""
        while found := await self._subscription.collect_backstop(1000):
            settled = await self._lookup.settled(found)
            for lease in self._leaser.hold(found):
                self._writer.add(self._handler.give_up(lease, settled))
            while self._leaser.holds(found) and not self._stop.is_set():
                await self._wait_for_room()


def _failed(task: SideTask) -> bool:
    """Return whether a side task ended in a way that nobody foresaw."""
    return task.done() and not task.cancelled() and isinstance(task.result(), InternalError)
