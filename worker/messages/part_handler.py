"""Asks a model about one part of a message, and returns a row or the reason for the failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sightline.errors import PermanentError, Reason
from sightline.model import AnswerPart, EmbeddingPart, Part, Usage
from sightline.ports import ClassificationRow, EmbeddingRow, Ledgers, Provenance, ResultRow
from sightline.wire import Message
from worker.budgets.funds import MessageFunds
from worker.budgets.run_budgets import OverBudgetError
from worker.calls.caller import Answered, Caller, GaveUpError, UnfundedError, plus, with_cost
from worker.leaser import Lease
from worker.messages.images import Models
from worker.messages.task_versions import TaskVersions
from worker.progress import Progress
from worker.results.dead_letter_builder import Failed, Identity

RowAndFault = tuple[ResultRow, Exception | None]
"""A row that is paid for, and the error that occurred after its answer arrived."""


@dataclass(frozen=True, slots=True)
class MessageWork:
    """A message in progress; ``paid`` holds the result of each finished part."""

    lease: Lease
    message: Message
    is_cancelled: Callable[[str], bool]
    funds: MessageFunds
    paid: list[ResultRow | Failed] = field(default_factory=list)

    @property
    def cancelled(self) -> bool:
        """Whether the message's run has been cancelled."""
        return self.is_cancelled(self.message.run_id)

    def wanted(self) -> bool:
        """Return whether a call is still wanted: the lease is held, the run not cancelled."""
        return not (self.lease.lost or self.cancelled)


class PartHandler:
    """Calls the models for parts, with one caller per kind of part."""

    def __init__(
        self,
        models: Models,
        ledgers: Ledgers,
        callers: Mapping[type[Part], Caller],
        progress: Progress,
        identity: Identity,
        *,
        max_attempts: int,
    ) -> None:
        self._models = models
        self._tasks = TaskVersions(ledgers)
        self._callers = callers
        self._progress = progress
        self._identity = identity
        self._max_attempts = max_attempts

    async def handle(self, work: MessageWork, part: Part) -> ResultRow | Failed:
        """Return the part's row, or its failure.

        Raises:
            NotWantedError: the call is no longer wanted; it was not made.
            Exception: the worker cannot continue; a row that was paid for is in ``work.paid``.
        """
        try:
            if isinstance(part, AnswerPart):
                row, fault = await self._answer(work, part)
            else:
                row, fault = await self._embed(work, part)
        except OverBudgetError as error:
            failed = Failed(part, None, str(error), Usage(), unfunded=True)
        except UnfundedError as error:
            failed = Failed(part, None, str(error), error.spent, unfunded=True)
        except PermanentError as error:
            failed = Failed(part, error.reason, error.detail, plus(Usage(), error))
        except GaveUpError as error:
            attempt = work.lease.delivery.attempt
            reason = Reason.ATTEMPTS_EXHAUSTED if attempt >= self._max_attempts else None
            failed = Failed(part, reason, f"after {attempt} deliveries: {error}", error.spent)
        else:
            work.paid.append(row)
            if fault is not None:
                raise fault
            return row
        work.paid.append(failed)
        return failed

    async def _answer(self, work: MessageWork, part: AnswerPart) -> RowAndFault:
        message = work.message
        task = await self._tasks.of(part)
        classifier = self._models.classifier(part.model)
        answered = await self._callers[AnswerPart].call(
            lambda: classifier.classify(task, message.observations, run_id=message.run_id),
            wanted=work.wanted,
            funds=await work.funds.for_answer(part, task),
        )
        usage = plus(answered.spent, answered.result.usage)
        try:
            answer_json = task.validate_answer(answered.result.answer)
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
            finish_reason=answered.result.finish_reason,
            provenance=self._provenance(work, answered, usage),
        )
        return row, answered.fault

    async def _embed(self, work: MessageWork, part: EmbeddingPart) -> RowAndFault:
        message = work.message
        embedder = self._models.embedder(part.model, part.dimension)
        observation = message.observations[0]
        answered = await self._callers[EmbeddingPart].call(
            lambda: embedder.embed_image(observation, run_id=message.run_id),
            wanted=work.wanted,
            funds=await work.funds.for_embedding(part),
        )
        usage = plus(answered.spent, answered.result.usage)
        if wrong := _wrong_in(answered.result.vector, part.dimension):
            raise with_cost(PermanentError(Reason.ANSWER_INVALID, wrong), usage)
        self._progress.embeddings += 1
        row = EmbeddingRow(
            part_key=part.key(message.subject_id),
            subject_id=message.subject_id,
            observation=observation,
            part=part,
            vector=answered.result.vector,
            provenance=self._provenance(work, answered, usage),
        )
        return row, answered.fault

    def _provenance(
        self, work: MessageWork, answered: Answered[object], usage: Usage
    ) -> Provenance:
        self._progress.cost_usd_micros += usage.cost_usd_micros
        return Provenance(
            usage=usage,
            latency_ms=round(answered.latency_s * 1000),
            attempt=work.lease.delivery.attempt,
            run_id=work.message.run_id,
            worker_id=self._identity.worker_id,
            written_at=self._identity.now(),
        )


def _wrong_in(vector: Sequence[float], dimension: int) -> str:
    """Return why a vector cannot be stored as 32-bit floats; empty if it can."""
    if len(vector) != dimension:
        return f"the model returned {len(vector)} dimensions, not {dimension}"
    with np.errstate(over="ignore"):  # too large for 32 bits becomes infinite, and is refused below
        stored = np.asarray(vector, dtype=np.float32)
    return "" if np.isfinite(stored).all() else "the vector has numbers that are not finite"
