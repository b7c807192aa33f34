"""Turns one leased message into rows and a settlement; knows no queue and no store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from sightline.errors import PermanentError, Reason
from sightline.model import AnswerPart, EmbeddingPart, Part, Usage
from sightline.ports import (
    ClassificationRow,
    EmbeddingRow,
    Ledgers,
    Provenance,
    ResultRow,
)
from sightline.wire import Message, check_uris, decode
from worker.budgets.budget_slice import LONG_DELAY_S
from worker.budgets.estimates import Estimates
from worker.budgets.funds import MessageFunds
from worker.budgets.run_budgets import OverBudgetError, RunBudgets
from worker.caller import (
    Answered,
    Caller,
    GaveUpError,
    NotWantedError,
    UnfundedError,
    plus,
    with_cost,
)
from worker.dead_letter_builder import DeadLetterBuilder, Failed, Identity
from worker.images import Models
from worker.leaser import Lease
from worker.progress import Progress
from worker.retry import Backoff
from worker.settlement import Settle, Settlement
from worker.side_by_side import side_by_side
from worker.side_tasks import was_cancelled
from worker.task_versions import TaskVersions


class Handler:
    """Classifies and embeds side by side; what one half loses, the other half keeps."""

    def __init__(
        self,
        models: Models,
        ledgers: Ledgers,
        callers: Mapping[type[Part], Caller],
        run_budgets: RunBudgets,
        estimates: Estimates,
        progress: Progress,
        identity: Identity,
        *,
        max_attempts: int,
        redelivery: Backoff,
    ) -> None:
        self._models = models
        self._callers = callers
        self._run_budgets = run_budgets
        self._estimates = estimates
        self._progress = progress
        self._identity = identity
        self._dead_letters = DeadLetterBuilder(progress, identity)
        self._max_attempts = max_attempts
        self._redelivery = redelivery
        self._tasks = TaskVersions(ledgers)

    async def handle(
        self, lease: Lease, settled: Collection[str], is_cancelled: Callable[[str], bool]
    ) -> Settlement:
        """Return what is to be written and how the message is to be settled.

        ``settled`` are the keys of parts that the ledgers already hold; ``is_cancelled`` says of
        a run, at any moment, whether it is. A settlement with a ``failure`` is to be written, and
        the worker to be stopped.

        Raises:
            ConfigurationError: the whole job cannot go on, and nothing was paid for.
            Exception: what nobody foresaw, and nothing was paid for.
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
        try:
            check_uris(message)
        except PermanentError as error:
            failed = [Failed(part, error.reason, error.detail, Usage()) for part in todo]
            return self._settle(lease, message, failed, complete=True)

        def wanted() -> bool:
            return not (lease.lost or is_cancelled(message.run_id))

        paid: list[ResultRow | Failed] = []
        try:
            results = await self._funded(lease, message, todo, wanted, paid)
        except (Exception, asyncio.CancelledError) as error:
            rows = self._rows_of(lease, message, paid)
            if not rows:
                raise
            # What is paid for is written, though the message is given back for its other half.
            failure = None if was_cancelled(error) else error
            return Settlement(lease, Settle.KEEP, rows, succeeded=True, failure=failure)
        complete = len(results) == len(todo)
        if not complete and is_cancelled(message.run_id):
            self._progress.cancelled += 1
            complete = True
        return self._settle(lease, message, results, complete=complete)

    async def _funded(
        self,
        lease: Lease,
        message: Message,
        parts: list[Part],
        wanted: Callable[[], bool],
        paid: list[ResultRow | Failed],
    ) -> Sequence[ResultRow | Failed]:
        """Return the results; parts that the run's budget does not allow are among them."""
        funds = MessageFunds(
            self._run_budgets, self._estimates, message.run_id, message.observations
        )
        try:
            async with funds:
                return await self._all(lease, message, parts, wanted, funds, paid)
        except OverBudgetError as error:
            return [Failed(part, None, str(error), Usage(), unfunded=True) for part in parts]

    async def _all(
        self,
        lease: Lease,
        message: Message,
        parts: list[Part],
        wanted: Callable[[], bool],
        funds: MessageFunds,
        paid: list[ResultRow | Failed],
    ) -> Sequence[ResultRow | Failed]:
        """Return the results; fewer than parts when some call was not wanted any more.

        Each is also put into ``paid`` as soon as it is there.
        """
        found = await side_by_side(
            *(self._part(lease, message, part, wanted, funds, paid) for part in parts)
        )
        for one in found:
            if isinstance(one, BaseException) and not isinstance(one, NotWantedError):
                raise one
        return [one for one in found if not isinstance(one, BaseException)]

    def _rows_of(
        self, lease: Lease, message: Message, paid: Sequence[ResultRow | Failed]
    ) -> tuple[ResultRow, ...]:
        """Return what is to be written of a message that comes again: rows, and what was spent."""
        return tuple(
            self._dead_letters.of_part(lease, message, replace(one, reason=None))
            if isinstance(one, Failed)
            else one
            for one in paid
            if not isinstance(one, Failed) or one.costly
        )

    async def _part(
        self,
        lease: Lease,
        message: Message,
        part: Part,
        wanted: Callable[[], bool],
        funds: MessageFunds,
        paid: list[ResultRow | Failed],
    ) -> ResultRow | Failed:
        try:
            if isinstance(part, AnswerPart):
                return await self._answer(lease, message, part, wanted, funds, paid)
            return await self._embed(lease, message, part, wanted, funds, paid)
        except OverBudgetError as error:
            failed = Failed(part, None, str(error), Usage(), unfunded=True)
        except UnfundedError as error:
            failed = Failed(part, None, str(error), error.spent, unfunded=True)
        except PermanentError as error:
            failed = Failed(part, error.reason, error.detail, plus(Usage(), error))
        except GaveUpError as error:
            exhausted = lease.delivery.attempt >= self._max_attempts
            reason = Reason.ATTEMPTS_EXHAUSTED if exhausted else None
            failed = Failed(
                part, reason, f"after {lease.delivery.attempt} deliveries: {error}", error.spent
            )
        paid.append(failed)
        return failed

    async def _answer(
        self,
        lease: Lease,
        message: Message,
        part: AnswerPart,
        wanted: Callable[[], bool],
        funds: MessageFunds,
        paid: list[ResultRow | Failed],
    ) -> ResultRow:
        task = await self._tasks.of(part)
        classifier = self._models.classifier(part.model)
        done = await self._callers[AnswerPart].call(
            lambda: classifier.classify(task, message.observations, run_id=message.run_id),
            wanted=wanted,
            funds=await funds.for_answer(part, task),
        )
        usage = plus(done.spent, done.result.usage)
        try:
            answer_json = task.validate_answer(done.result.answer)
        except PermanentError as error:
            raise with_cost(error, usage) from error
        self._progress.answers += 1
        row = ClassificationRow(
            part_key=part.key(message.subject_id),
            subject_id=message.subject_id,
            by_asset=task.multi_observation,
            observation=message.observations[0],
            part=part,
            answer_json=answer_json,
            finish_reason=done.result.finish_reason,
            provenance=self._provenance(lease, message, done, usage),
        )
        return _kept(row, done, paid)

    async def _embed(
        self,
        lease: Lease,
        message: Message,
        part: EmbeddingPart,
        wanted: Callable[[], bool],
        funds: MessageFunds,
        paid: list[ResultRow | Failed],
    ) -> ResultRow:
        embedder = self._models.embedder(part.model, part.dimension)
        observation = message.observations[0]
        done = await self._callers[EmbeddingPart].call(
            lambda: embedder.embed_image(observation, run_id=message.run_id),
            wanted=wanted,
            funds=await funds.for_embedding(part),
        )
        usage = plus(done.spent, done.result.usage)
        if wrong := _wrong_in(done.result.vector, part.dimension):
            raise with_cost(PermanentError(Reason.ANSWER_INVALID, wrong), usage)
        self._progress.embeddings += 1
        row = EmbeddingRow(
            part_key=part.key(message.subject_id),
            subject_id=message.subject_id,
            observation=observation,
            part=part,
            vector=done.result.vector,
            provenance=self._provenance(lease, message, done, usage),
        )
        return _kept(row, done, paid)

    def _provenance(
        self, lease: Lease, message: Message, done: Answered[object], usage: Usage
    ) -> Provenance:
        self._progress.cost_usd_micros += usage.cost_usd_micros
        return Provenance(
            usage=usage,
            latency_ms=round(done.latency_s * 1000),
            attempt=lease.delivery.attempt,
            run_id=message.run_id,
            worker_id=self._identity.worker_id,
            written_at=self._identity.now(),
        )

    def _settle(
        self,
        lease: Lease,
        message: Message,
        results: Sequence[ResultRow | Failed],
        *,
        complete: bool,
    ) -> Settlement:
        failures = [one for one in results if isinstance(one, Failed)]
        self._progress.over_budget += any(one.unfunded for one in failures)
        rows = [one for one in results if not isinstance(one, Failed)]
        again = any(one.reason is None for one in failures)
        unfunded = any(one.unfunded for one in failures)
        events = [
            self._dead_letters.of_part(lease, message, one)
            for one in failures
            if one.reason is not None or one.costly
        ]
        settle = Settle.NACK if again else Settle.ACK
        return Settlement(
            lease,
            settle if complete else Settle.ABANDON,
            (*rows, *events),
            delay_s=self._delay_s(lease, again=again, unfunded=unfunded),
            suspect=not rows and any(one.reason and one.reason.systemic for one in failures),
            succeeded=bool(rows),
            over_budget=message.run_id if unfunded else None,
        )

    def _delay_s(self, lease: Lease, *, again: bool, unfunded: bool) -> float:
        if unfunded:
            return LONG_DELAY_S
        if not again:
            return 0.0
        return self._redelivery.delay_s(lease.delivery.attempt, self._identity.random)

    def give_up(self, lease: Lease, settled: Collection[str]) -> Settlement:
        """Return the dead letters of a message that the queue itself gave up on."""
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
        rows = tuple(self._dead_letters.of_part(lease, message, one) for one in failed)
        return Settlement(lease, Settle.ACK, rows)


Row = TypeVar("Row", ClassificationRow, EmbeddingRow)


def _kept(row: Row, done: Answered[object], paid: list[ResultRow | Failed]) -> Row:
    """Return a row; where something failed after its call, keep it and say what failed.

    Raises:
        Exception: what failed; the row is among what is paid for.
    """
    paid.append(row)
    if done.fault is not None:
        raise done.fault
    return row


def _wrong_in(vector: Sequence[float], dimension: int) -> str:
    """Return why a vector cannot be stored as numbers of four bytes; nothing where it can be."""
    if len(vector) != dimension:
        return f"{len(vector)} dimensions came back, not {dimension}"
    with np.errstate(over="ignore"):  # too large for four bytes is infinite, and refused below
        stored = np.asarray(vector, dtype=np.float32)
    return "" if np.isfinite(stored).all() else "the vector has numbers that are not finite"
