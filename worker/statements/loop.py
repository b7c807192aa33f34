"""Works runs off by statements: the warehouse asks the models, this loop says what to ask when."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from sightline.errors import BudgetError, ConfigurationError, Reason, Scope, TransientError
from sightline.model import AnswerPart
from sightline.ports import Amount, Brought, Effort, Lot, Lots
from worker.budgets.run_budgets import OverBudgetError, RunBudgets
from worker.statements.passes import Next, Pass, Passes

EstimateOf = Callable[[Lot], Awaitable[int]]
"""What one part of a lot is held to cost before it is asked about, in micros."""

FIRST_PARTS = 500
"""Parts of a lot's first statement, at most: a fault of the task shows before much is paid."""


@dataclass(slots=True)
class WorkedOff:
    """What was done so far; ``stuck`` are lots of which parts are refused again and again."""

    answers: int = 0
    embeddings: int = 0
    passes: int = 0
    cost_usd_micros: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)
    stopped_by: str | None = None
    effort: Effort = field(default_factory=Effort)

    def as_dict(self) -> dict[str, Any]:
        """Return what was done as plain values."""
        return asdict(self) | {"dead": dict(self.dead)}


@dataclass(frozen=True, slots=True)
class Step:
    """How far a lot is: parts that were left when it began, and that are left now."""

    lot: Lot
    first_left: int
    left: int
    brought: Brought | None


class ByStatements:
    """Works lots off, one after the other; ``parts`` are those of one statement at most.

    Killed at any point it leaves nothing to mend: what was brought is kept where it was brought to,
    and a statement that is under way is found again by its name.
    """

    def __init__(
        self,
        lots: Lots,
        run_budgets: RunBudgets,
        estimate_of: EstimateOf,
        *,
        parts: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_step: Callable[[Step], None] = lambda _: None,
    ) -> None:
        """Take the ports, and what is asked of them.

        Raises:
            ConfigurationError: ``parts`` is less than 1, so that nothing would ever be asked.
        """
        self._lots = lots
        self._run_budgets = run_budgets
        self._estimate_of = estimate_of
        if parts < 1:
            raise ConfigurationError(f"{parts} parts a statement ask nothing; set 1 or more")
        self._parts = parts
        self._sleep = sleep
        self._on_step = on_step
        self.done = WorkedOff()

    async def work(self, run_id: str | None = None) -> WorkedOff:
        """Work off a run, or all there are to be worked off so.

        Raises:
            ConfigurationError: the job cannot be done as configured, and why.
            TransientError: BigQuery is out of reach for long, or a job of it fails again and again.
            BusyError: another process works on the same.
        """
        over: dict[str, None] = {}
        try:
            for lot in await self._lots.lots(run_id):
                if not await self._lots.unsettled(lot):
                    continue  # of a run that is done, whose model may be served no more
                try:
                    async with self._lots.claim(lot):
                        await self._work_off(lot)
                except OverBudgetError as error:  # other runs have budgets of their own
                    over[str(error)] = None
        finally:
            await self._run_budgets.close()
        self.done.effort = self._lots.effort
        self.done.stopped_by = "; ".join(over) or None
        return self.done

    async def _work_off(self, lot: Lot) -> None:
        await self._lots.open(lot)
        passes = Passes()
        pending = await self._lots.brought(lot)
        if _pass(pending).settled:  # by a process before this one, which gave back what it held
            await self._run_budgets.count(lot.run_id, _used(pending))
            await self._take(lot, pending, passes)
        first_left = left = await self._lots.left(lot)
        most = min(FIRST_PARTS, self._parts)
        while left:
            self._on_step(Step(lot, first_left, left, None))
            brought = await self._ask(lot, min(most, left))
            if _pass(brought).settled:  # what brings nothing may be paid for all the same
                most = self._parts
            then = await self._take(lot, brought, passes)
            left = await self._lots.left(lot)
            self._on_step(Step(lot, first_left, left, brought))
            if left and then is Next.STUCK:
                said = brought.said or "of which nothing was said"
                self.done.stuck.append(f"{name_of(lot)}: {left:,} parts, {said}")
                return
            if left:
                await self._sleep(passes.pause_s(_pass(brought)))
        await self._lots.close(lot)

    async def _take(self, lot: Lot, brought: Brought, passes: Passes) -> Next:
        """Write what was brought, unless it shows a fault of the job."""
        done = _pass(brought)
        then = passes.after(done)
        if then is Next.SYSTEMIC:
            await self._lots.discard(lot)
            raise ConfigurationError(
                f"all of {done.refused:,} parts were refused ({brought.said}); nothing is given up:"
                " see `sightline doctor`, then `sightline work` again"
            )
        await self._lots.settle(lot)
        self._count(lot, brought)
        if then is Next.UNUSABLE:
            raise ConfigurationError(
                f"not one of {done.refused:,} answers to {name_of(lot)} can be used; they are paid"
                " for, and dead letters: mend the task, then `sightline dead-letters list`"
            )
        return then

    async def _ask(self, lot: Lot, most: int) -> Brought:
        """Ask about as many parts as the run's budget allows; reserve their price meanwhile.

        Raises:
            OverBudgetError: the run has a budget, and it is reached.
        """
        estimate = await self._estimate_of(lot)
        affordable = await self._affordable(lot, estimate)
        if affordable is not None and affordable < 1:
            # Raises, unless somebody who is gone had reserved what is lacking.
            (await self._run_budgets.reserve(lot.run_id, Amount(estimate, 1))).charge(Amount())
            affordable = await self._affordable(lot, estimate)
        if affordable is not None and affordable < 1:
            raise OverBudgetError(lot.run_id)
        parts = most if affordable is None else min(most, affordable)
        reservation = await self._run_budgets.reserve(lot.run_id, Amount(parts * estimate, parts))
        limited = self._run_budgets.is_limited(lot.run_id)
        brought = Brought()
        try:
            async with self._run_budgets.kept(lot.run_id):
                brought = await self._lots.ask(lot, parts)
        finally:
            reservation.charge(_used(brought))
        if not limited:  # a budget that was set meanwhile, maybe hours ago, knows nothing of it
            await self._run_budgets.count(lot.run_id, _used(brought))
        return brought

    async def _affordable(self, lot: Lot, estimate: int) -> int | None:
        """Return for how many parts there is budget left, what earlier ones did not use included.

        ``None`` where no budget limits them. Nothing is under way meanwhile: what this process
        holds is left over, and given back.
        """
        await self._run_budgets.close()
        state = (await self._run_budgets.states()).get(lot.run_id)
        if state is None or not state.limits:
            return None
        found = []
        if state.limits.images is not None:
            found.append(state.limits.images - state.reserved.images)
        if state.limits.cost_usd_micros is not None and estimate:
            rest = state.limits.cost_usd_micros - state.reserved.cost_usd_micros
            found.append(rest // estimate)
        return min(found, default=None)

    def _count(self, lot: Lot, brought: Brought) -> None:
        own = self.done
        if isinstance(lot.part, AnswerPart):
            own.answers += brought.answered
        else:
            own.embeddings += brought.answered
        own.passes += 1
        own.cost_usd_micros += brought.cost_usd_micros
        own.dead.update(brought.refused)


def over_budget(done: WorkedOff) -> BudgetError | None:
    """Return the error by which a command ends whose work was stopped by a budget."""
    if done.stopped_by is None:
        return None
    return BudgetError(
        f"{done.stopped_by}; raise it with `sightline budget RUN --max-cost` or `--max-images`"
    )


def refused_for_now(done: WorkedOff, engine: str) -> TransientError | None:
    """Return the error by which a command ends that left parts that are refused again and again."""
    if not done.stuck:
        return None
    return TransientError(
        f"refused again and again: {'; '.join(done.stuck)}; `sightline work --engine {engine}`"
        " goes on with them"
    )


def _pass(brought: Brought) -> Pass:
    systemic = Counter[bool]()
    for reason, count in brought.refused.items():
        if Reason(reason).systemic:
            systemic[Reason(reason).scope is Scope.TASK] += count
    return Pass(
        answered=brought.answered,
        refused=sum(brought.refused.values()),
        retryable=brought.retryable,
        denied=systemic[False],
        unusable=systemic[True],
    )


def _used(brought: Brought) -> Amount:
    return Amount(brought.cost_usd_micros, brought.answered + sum(brought.refused.values()))


def name_of(lot: Lot) -> str:
    """Return the task of a lot, or the model and dimension of its embedding."""
    part = lot.part
    return part.task if isinstance(part, AnswerPart) else f"{part.model} at {part.dimension}"
