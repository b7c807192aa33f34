"""The worker's main loop: pull, handle, write, settle, and the order of its stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType

from sightline.errors import BudgetError, InternalError, SightlineError
from sightline.ports import BacklogReader, Ledgers, Subscription
from sightline.settings import WorkerSettings
from worker.budgets.run_budgets import RunBudgets
from worker.calls.retry import Backoff
from worker.concurrency.retry_until_stopped import RetryUntilStopped
from worker.concurrency.side_tasks import SideTask, SideTasks, Work, as_reported, was_cancelled
from worker.handler import Handler
from worker.intake import MessageIntake
from worker.leaser import Lease, Leaser
from worker.messages.handled import HANDLED
from worker.messages.lookup import Lookup, LookupRule
from worker.progress import Progress
from worker.stopping.suspects import Suspects
from worker.writer import BatchWriter

log = logging.getLogger(__name__)

NOTHING_BESIDE: Mapping[str, Work] = MappingProxyType({})
A_MESSAGE = "the message handler"


class Runner:
    """Runs until stopped or drained. ``stop`` requests an orderly stop: drain, then return."""

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
        self._ledgers = ledgers
        self._handler = handler
        self._leaser = leaser
        self._writer = writer
        self._run_budgets = run_budgets
        self._progress = progress
        self._settings = settings
        self._stop = asyncio.Event()
        backoff = Backoff(settings.backoff_s, settings.max_backoff_s)
        self._retry = RetryUntilStopped(backoff, random, self._stop)
        self._suspects = Suspects(
            settings.systemic_failures, settings.systemic_hold_s, writer, monotonic=monotonic
        )
        lookup = Lookup(
            ledgers,
            progress,
            self._retry.read,
            LookupRule(trusts_first_deliveries, settings.max_lease_s),
            monotonic=monotonic,
        )
        self._intake = MessageIntake(
            subscription,
            backlog,
            ledgers,
            handler,
            leaser,
            writer,
            run_budgets,
            self._suspects,
            lookup,
            progress,
            settings,
            self._retry,
            self._handle,
            monotonic,
        )
        self._cancelled_runs: frozenset[str] = frozenset()
        self._error: SightlineError | None = None

    def stop(self) -> None:
        """Request an orderly stop; safe to call from a signal handler of the event loop."""
        self._stop.set()
        self._intake.make_room()

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested, or the worker failed."""
        return self._stop.is_set()

    async def run(
        self, *, drain: bool = False, beside: Mapping[str, Work] = NOTHING_BESIDE
    ) -> None:
        """Work until ``stop``, or with ``drain`` until the backlog is empty.

        The tasks of ``beside``, by name, run as long as the worker does. If a part of the worker
        ends by itself, for whatever reason, the worker stops.

        Raises:
            ConfigurationError, StorageError: the job cannot continue; its messages were nacked.
            BudgetError: every queued message belongs to a run whose budget is reached.
            InternalError: a part of the worker failed or ended; its messages were nacked.
        """
        async with SideTasks(self._fail) as side:
            leasing = self._start_leaser(side)
            writing = self._start_writer(side)
            side.start("the check for cancelled runs", self._watch_cancelled)
            backstop = side.start(
                "the reader of the dead-letter topic",
                self._intake.collect_backstop,
                may_end=lambda: True,
            )
            for name, work in beside.items():
                side.start(name, work)
            try:
                await self._guarded("the message intake", self._intake.run(drain=drain))
            finally:
                await side.end(backstop)
                if _failed(leasing):
                    self._start_leaser(side)  # restarted once, since the drain needs its leases
                if _failed(writing):
                    writing = self._start_writer(
                        side
                    )  # restarted once, to write results that are paid for
                await self._finish(writing)
        if self._error is not None:
            raise self._error

    def _start_leaser(self, side: SideTasks) -> SideTask:
        return side.start("the leaser", self._leaser.run)

    def _start_writer(self, side: SideTasks) -> SideTask:
        return side.start("the writer", self._writer.run, may_end=lambda: self._writer.closing)

    async def _guarded(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Run a part of the worker; an error that it does not handle itself stops the worker."""
        try:
            await work
        except (Exception, asyncio.CancelledError) as error:
            if was_cancelled(error):
                raise
            self._fail(as_reported(name, error))

    def settled(self) -> None:
        """Make room after a batch was settled (called by the writer)."""
        self._intake.make_room()

    async def _handle(self, lease: Lease, settled: frozenset[str]) -> None:
        HANDLED.set(lease.delivery)
        await self._guarded(A_MESSAGE, self._handle_one(lease, settled))

    async def _handle_one(self, lease: Lease, settled: frozenset[str]) -> None:
        settlement = await self._handler.handle(lease, settled, self._is_cancelled)
        if settlement.failure is not None:
            self._fail(as_reported(A_MESSAGE, settlement.failure))
        self._intake.record(settlement)
        if settlement.suspect:
            self._suspects.hold(settlement)
            return
        self._writer.add(settlement)
        if settlement.succeeded:
            self._suspects.success()

    def _is_cancelled(self, run_id: str) -> bool:
        return run_id in self._cancelled_runs

    def _fail(self, error: SightlineError) -> None:
        """Stop the worker with its first error; any other error takes precedence over a budget
        error.
        """
        if self._error is None or (
            isinstance(self._error, BudgetError) and not isinstance(error, BudgetError)
        ):
            self._error = error
        elif error is not self._error:
            log.error("while the worker stops: %s", error)
        if isinstance(error, InternalError):
            log.info("%s", error, exc_info=error)  # with its traceback, printed only with --debug
        self.stop()

    async def _watch_cancelled(self) -> None:
        while True:
            self._cancelled_runs = await self._retry.read(
                "cancelled runs cannot be read", self._ledgers.cancelled_runs
            )
            await asyncio.sleep(self._settings.cancel_poll_s)

    async def _finish(self, writing: SideTask) -> None:
        """Drain within the grace period, still extending leases, then nack the rest.

        Without a way to write, nothing more is paid for, so there is no grace period.
        """
        await self._intake.end(self._settings.grace_s, writing=writing)
        if self._error is None:
            self._suspects.release()
        else:
            self._suspects.give_back()
        self._writer.close()
        await asyncio.wait([writing])
        await self._guarded("returning messages to the queue", self._give_back())
        await self._guarded("returning reserved budget", self._run_budgets.close())

    async def _give_back(self) -> None:
        left = [lease.delivery.lease_id for lease in self._leaser.all()]
        if left:
            self._leaser.forget(left)
            self._progress.nacked_at_stop += len(left)
            await self._subscription.nack(left)


def _failed(task: SideTask) -> bool:
    """Return whether a side task ended with an unexpected error."""
    return task.done() and not task.cancelled() and isinstance(task.result(), InternalError)
