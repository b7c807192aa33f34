"""Turns one leased message into rows and a settlement, independent of queue and store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from sightline.errors import PermanentError, Reason
from sightline.model import Part, Usage
from sightline.ports import ResultRow
from sightline.wire import check_uris, decode
from worker.budgets.budget_slice import LONG_DELAY_S
from worker.budgets.estimates import Estimates
from worker.budgets.funds import MessageFunds
from worker.budgets.run_budgets import OverBudgetError, RunBudgets
from worker.calls.caller import NotWantedError
from worker.calls.retry import Backoff
from worker.concurrency.side_by_side import side_by_side
from worker.concurrency.side_tasks import was_cancelled
from worker.leaser import Lease
from worker.messages.part_handler import MessageWork, PartHandler
from worker.progress import Progress
from worker.results.dead_letter_builder import DeadLetterBuilder, Failed, Identity
from worker.results.settlement import Settle, Settlement


class Handler:
    """Classifies and embeds concurrently; if one part fails, the other part's result is kept."""

    def __init__(
        self,
        parts: PartHandler,
        run_budgets: RunBudgets,
        estimates: Estimates,
        progress: Progress,
        identity: Identity,
        *,
        redelivery: Backoff,
    ) -> None:
        self._parts = parts
        self._run_budgets = run_budgets
        self._estimates = estimates
        self._progress = progress
        self._identity = identity
        self._dead_letters = DeadLetterBuilder(progress, identity)
        self._redelivery = redelivery

    async def handle(
        self, lease: Lease, settled: Collection[str], is_cancelled: Callable[[str], bool]
    ) -> Settlement:
        """Return the rows to write and how to settle the message.

        ``settled`` holds the keys of parts that are already in the ledgers. ``is_cancelled``
        returns whether a run is cancelled at the time of the call. If the settlement has a
        ``failure``, write its rows, then stop the worker.

        Raises:
            ConfigurationError: the job cannot continue; nothing was spent on this message.
            Exception: an unexpected error; nothing was spent on this message.
        """
        try:
            message = decode(lease.delivery.body)
        except PermanentError as error:
            return self._dead_letters.of_unreadable(lease, error)
        if is_cancelled(message.run_id):
            self._progress.cancelled += 1
            return Settlement(lease, Settle.ACK)
        todo = [part for part in message.parts if part.key(message.subject_id) not in settled]
        if not todo:
            self._progress.already_settled += 1
            return Settlement(lease, Settle.ACK)
        funds = MessageFunds(
            self._run_budgets, self._estimates, message.run_id, message.observations
        )
        work = MessageWork(lease, message, is_cancelled, funds)
        try:
            check_uris(message)
        except PermanentError as error:
            failed = [Failed(part, error.reason, error.detail, Usage()) for part in todo]
            return self._settle(work, failed, complete=True)
        return await self._handle_parts(work, todo)

    async def _handle_parts(self, work: MessageWork, parts: list[Part]) -> Settlement:
        try:
            results = await self._funded(work, parts)
        except (Exception, asyncio.CancelledError) as error:
            rows = self._rows_of(work)
            if not rows:
                raise
            # A paid result is written, even if the message is nacked for its other part.
            failure = None if was_cancelled(error) else error
            return Settlement(work.lease, Settle.KEEP, rows, succeeded=True, failure=failure)
        complete = len(results) == len(parts)
        if not complete and work.cancelled:
            self._progress.cancelled += 1
            complete = True
        return self._settle(work, results, complete=complete)

    async def _funded(self, work: MessageWork, parts: list[Part]) -> Sequence[ResultRow | Failed]:
        """Return the results, including parts that the run's budget does not allow."""
        try:
            async with work.funds:
                return await self._all(work, parts)
        except OverBudgetError as error:
            return [Failed(part, None, str(error), Usage(), unfunded=True) for part in parts]

    async def _all(self, work: MessageWork, parts: list[Part]) -> Sequence[ResultRow | Failed]:
        """Return the results; there are fewer than parts if a call was no longer wanted."""
        outcomes = await side_by_side(*(self._parts.handle(work, part) for part in parts))
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, NotWantedError):
                raise outcome
        return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]

    def _rows_of(self, work: MessageWork) -> tuple[ResultRow, ...]:
        """Return the rows and the spending of a message that will be redelivered."""
        return tuple(
            self._dead_letters.of_part(work.lease, work.message, replace(result, reason=None))
            if isinstance(result, Failed)
            else result
            for result in work.paid
            if not isinstance(result, Failed) or result.costly
        )

    def _settle(
        self, work: MessageWork, results: Sequence[ResultRow | Failed], *, complete: bool
    ) -> Settlement:
        failures = [result for result in results if isinstance(result, Failed)]
        rows = [result for result in results if not isinstance(result, Failed)]
        again = any(failed.reason is None for failed in failures)
        unfunded = any(failed.unfunded for failed in failures)
        self._progress.over_budget += unfunded
        events = [
            self._dead_letters.of_part(work.lease, work.message, failed)
            for failed in failures
            if failed.reason is not None or failed.costly
        ]
        settle = Settle.NACK if again else Settle.ACK
        return Settlement(
            work.lease,
            settle if complete else Settle.ABANDON,
            (*rows, *events),
            delay_s=self._delay_s(work.lease, again=again, unfunded=unfunded),
            suspect=not rows
            and any(failed.reason and failed.reason.systemic for failed in failures),
            succeeded=bool(rows),
            over_budget=work.message.run_id if unfunded else None,
        )

    def _delay_s(self, lease: Lease, *, again: bool, unfunded: bool) -> float:
        if unfunded:
            return LONG_DELAY_S
        if not again:
            return 0.0
        return self._redelivery.delay_s(lease.delivery.attempt, self._identity.random)

    def give_up(self, lease: Lease, settled: Collection[str]) -> Settlement:
        """Return the dead letters of a message that the queue moved to its dead-letter topic."""
        try:
            message = decode(lease.delivery.body)
        except PermanentError as error:
            return self._dead_letters.of_unreadable(lease, error)
        detail = f"{lease.delivery.attempt} deliveries, none settled: the queue's backstop"
        failed = [
            Failed(part, Reason.ATTEMPTS_EXHAUSTED, detail, Usage())
            for part in message.parts
            if part.key(message.subject_id) not in settled
        ]
        rows = tuple(self._dead_letters.of_part(lease, message, part) for part in failed)
        return Settlement(lease, Settle.ACK, rows)
