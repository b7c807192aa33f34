"""Processes runs without messages: decides what each statement or job asks, and when."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sightline.errors import BudgetError, ConfigurationError, TransientError
from sightline.model import AnswerPart
from sightline.ports import Amount, BatchOutcome, PartBatch, PartBatches, WarehouseUsage
from sightline.reasons import Reason, Scope
from worker.batches.pass_rule import Next, Pass, PassRule
from worker.budgets.run_budgets import OverBudgetError, RunBudgets

EstimateOf = Callable[[PartBatch], Awaitable[int]]
"""The reservation for one part of a batch before it is asked, in micros."""

FIRST_PARTS = 500
"""The most parts in a batch's first statement: a faulty task shows before much is spent."""


@dataclass(slots=True)
class BatchWorkSummary:
    """What was done so far; ``stuck`` are batches with parts that are refused again and again."""

    answers: int = 0
    embeddings: int = 0
    passes: int = 0
    cost_usd_micros: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)
    stopped_by: str | None = None
    effort: WarehouseUsage = field(default_factory=WarehouseUsage)


@dataclass(frozen=True, slots=True)
class Step:
    """A batch's progress: the parts that were left when it began, and that are left now."""

    batch: PartBatch
    first_left: int
    left: int
    outcome: BatchOutcome | None


class BatchWorker:
    """Processes batches one after another, with at most ``parts`` parts in a statement.

    It can be killed at any point: received responses stay in their table, and a statement that is
    still running is found again by its name.
    """

    def __init__(
        self,
        batches: PartBatches,
        run_budgets: RunBudgets,
        estimate_of: EstimateOf,
        *,
        parts: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_step: Callable[[Step], None] = lambda _: None,
    ) -> None:
        """Take the ports and the limits.

        Raises:
            ConfigurationError: ``parts`` is less than 1.
        """
        self._batches = batches
        self._run_budgets = run_budgets
        self._estimate_of = estimate_of
        if parts < 1:
            raise ConfigurationError(f"{parts} parts per statement is too few; set 1 or more")
        self._parts = parts
        self._sleep = sleep
        self._on_step = on_step
        self.done = BatchWorkSummary()

    async def work(self, run_id: str | None = None) -> BatchWorkSummary:
        """Process one run, or every open run of this engine.

        Raises:
            ConfigurationError: the job cannot run as configured; the message says why.
            TransientError: BigQuery stays unreachable, or a job of it keeps failing.
            BusyError: another process is working on the same run.
        """
        over: dict[str, None] = {}
        try:
            for batch in await self._batches.batches(run_id):
                if not await self._batches.unsettled(batch):
                    continue  # of a run that is done, whose model may no longer exist
                try:
                    async with self._batches.claim(batch):
                        await self._work_off(batch)
                except OverBudgetError as error:  # other runs have their own budgets
                    over[str(error)] = None
        finally:
            await self._run_budgets.close()
        self.done.effort = self._batches.usage
        self.done.stopped_by = "; ".join(over) or None
        return self.done

    async def _work_off(self, batch: PartBatch) -> None:
        await self._batches.open(batch)
        rule = PassRule()
        pending = await self._batches.outcome(batch)
        if _pass(
            pending
        ).settled:  # reserved by an earlier process, which has released its reservation
            await self._run_budgets.count(batch.run_id, _used(pending))
            await self._take(batch, pending, rule)
        first_left = left = await self._batches.left(batch)
        most = min(FIRST_PARTS, self._parts)
        while left:
            self._on_step(Step(batch, first_left, left, None))
            outcome = await self._ask(batch, min(most, left))
            if _pass(outcome).settled:  # even a pass without results may cost money
                most = self._parts
            then = await self._take(batch, outcome, rule)
            left = await self._batches.left(batch)
            self._on_step(Step(batch, first_left, left, outcome))
            if left and then is Next.STUCK:
                status = outcome.example or "without a reported reason"
                self.done.stuck.append(f"{name_of(batch)}: {left:,} parts, {status}")
                return
            if left:
                await self._sleep(rule.pause_s(_pass(outcome)))
        await self._batches.close(batch)

    async def _take(self, batch: PartBatch, outcome: BatchOutcome, rule: PassRule) -> Next:
        """Write the received responses, unless they show a fault of the job."""
        done = _pass(outcome)
        then = rule.after(done)
        if then is Next.SYSTEMIC:
            await self._batches.discard(batch)
            raise ConfigurationError(
                f"all of {done.refused:,} parts were refused ({outcome.example}); no part was given"
                " up: see `sightline doctor`, then run `sightline work` again"
            )
        await self._batches.settle(batch)
        self._count(batch, outcome)
        if then is Next.UNUSABLE:
            raise ConfigurationError(
                f"not one of {done.refused:,} answers to {name_of(batch)} is usable; they are"
                " paid for and recorded as dead letters: fix the task, then `sightline dead-letters"
                " list`"
            )
        return then

    async def _ask(self, batch: PartBatch, most: int) -> BatchOutcome:
        """Ask about as many parts as the run's budget allows, with their cost reserved meanwhile.

        Raises:
            OverBudgetError: the run's budget is reached.
        """
        estimate = await self._estimate_of(batch)
        affordable = await self._affordable(batch, estimate)
        if affordable is not None and affordable < 1:
            # Raises, unless a process that has ended held the reservation that is lacking.
            (await self._run_budgets.reserve(batch.run_id, Amount(estimate, 1))).charge(Amount())
            affordable = await self._affordable(batch, estimate)
        if affordable is not None and affordable < 1:
            raise OverBudgetError(batch.run_id)
        parts = most if affordable is None else min(most, affordable)
        reservation = await self._run_budgets.reserve(batch.run_id, Amount(parts * estimate, parts))
        limited = self._run_budgets.is_limited(batch.run_id)
        outcome = BatchOutcome()
        try:
            async with self._run_budgets.kept(batch.run_id):
                outcome = await self._batches.ask(batch, parts)
        finally:
            reservation.charge(_used(outcome))
        if (
            not limited
        ):  # does not cover a budget that was set during the pass, which may take hours
            await self._run_budgets.count(batch.run_id, _used(outcome))
        return outcome

    async def _affordable(self, batch: PartBatch, estimate: int) -> int | None:
        """Return for how many parts there is budget left, including unused reservations.

        ``None`` if no budget limits them. Nothing is in progress at this point, so a reservation
        that this process still holds is unused, and released.
        """
        await self._run_budgets.close()
        state = (await self._run_budgets.states()).get(batch.run_id)
        if state is None or not state.limits:
            return None
        affordable = []
        if state.limits.images is not None:
            affordable.append(state.limits.images - state.reserved.images)
        if state.limits.cost_usd_micros is not None and estimate:
            rest = state.limits.cost_usd_micros - state.reserved.cost_usd_micros
            affordable.append(rest // estimate)
        return min(affordable, default=None)

    def _count(self, batch: PartBatch, outcome: BatchOutcome) -> None:
        own = self.done
        if isinstance(batch.part, AnswerPart):
            own.answers += outcome.answered
        else:
            own.embeddings += outcome.answered
        own.passes += 1
        own.cost_usd_micros += outcome.cost_usd_micros
        own.dead.update(outcome.refused)


def over_budget(done: BatchWorkSummary) -> BudgetError | None:
    """Return the error with which a command ends after a budget stopped its work."""
    if done.stopped_by is None:
        return None
    return BudgetError(
        f"{done.stopped_by}; raise it with `sightline budget RUN --max-cost` or `--max-images`"
    )


def refused_for_now(done: BatchWorkSummary, engine: str) -> TransientError | None:
    """Return the error with which a command ends if parts are refused again and again."""
    if not done.stuck:
        return None
    return TransientError(
        f"refused repeatedly: {'; '.join(done.stuck)}; run `sightline work --engine {engine}`"
        " to continue"
    )


def _pass(outcome: BatchOutcome) -> Pass:
    systemic = Counter[bool]()
    for reason, count in outcome.refused.items():
        if Reason(reason).systemic:
            systemic[Reason(reason).scope is Scope.TASK] += count
    return Pass(
        answered=outcome.answered,
        refused=sum(outcome.refused.values()),
        retryable=outcome.retryable,
        denied=systemic[False],
        unusable=systemic[True],
    )


def _used(outcome: BatchOutcome) -> Amount:
    return Amount(outcome.cost_usd_micros, outcome.answered + sum(outcome.refused.values()))


def name_of(batch: PartBatch) -> str:
    """Return the task of a batch, or the model and dimension of its embedding."""
    part = batch.part
    return part.task if isinstance(part, AnswerPart) else f"{part.model} at {part.dimension}"
