"""A script of batches for the loop that works on them, and the budgets of one run beside it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sightline.model import AnswerPart, EmbeddingPart
from sightline.ports import (
    Amount,
    BatchOutcome,
    BudgetEvent,
    BudgetEventKind,
    BudgetState,
    Limits,
    PartBatch,
    WarehouseUsage,
)
from tests.contracts.warehouse_rig import NOW
from worker.batches.batch_worker import BatchWorker
from worker.budgets.run_budgets import RunBudgets

SIGNS = PartBatch("run-1", AnswerPart("signs", "f", "m"))
VECTORS = PartBatch("run-1", EmbeddingPart("m", 4))
COST = 10


@dataclass
class Script:
    """Batches that bring what they are told to, and are killed where they are told to be."""

    parts: dict[PartBatch, int]
    brings: deque[BatchOutcome | Exception]
    steps: list[str] = field(default_factory=list)
    parts_asked: list[int] = field(default_factory=list)
    kept: BatchOutcome = field(default_factory=BatchOutcome)
    held: list[PartBatch] = field(default_factory=list)

    @property
    def usage(self) -> WarehouseUsage:
        return WarehouseUsage(10, 20) if self.parts_asked else WarehouseUsage()

    async def batches(self, run_id: str | None = None) -> Sequence[PartBatch]:
        return [batch for batch in self.parts if run_id in (None, batch.run_id)]

    async def unsettled(self, batch: PartBatch) -> int:
        return self.parts[batch] + _settled(self.kept)

    async def weight(self, batch: PartBatch) -> int:
        return 1000

    @asynccontextmanager
    async def claim(self, batch: PartBatch) -> AsyncIterator[None]:
        self.held.append(batch)
        try:
            yield
        finally:
            self.held.remove(batch)

    async def open(self, batch: PartBatch) -> None:
        assert self.held == [batch], "held by this process"
        self.steps.append(f"open {batch.part.model}")

    async def left(self, batch: PartBatch) -> int:
        return self.parts[batch]

    async def ask(self, batch: PartBatch, parts: int) -> BatchOutcome:
        self.parts_asked.append(parts)
        outcome = self.brings.popleft()
        if isinstance(outcome, Exception):
            raise outcome
        self.parts[batch] -= _settled(outcome)
        self.kept = outcome
        return outcome

    async def outcome(self, batch: PartBatch) -> BatchOutcome:
        return self.kept

    async def settle(self, batch: PartBatch) -> None:
        self.steps.append("settle")
        self.kept = BatchOutcome()

    async def discard(self, batch: PartBatch) -> None:
        self.steps.append("discard")
        self.parts[batch] += _settled(self.kept)

    async def close(self, batch: PartBatch) -> None:
        self.steps.append("close")


def _settled(outcome: BatchOutcome) -> int:
    return outcome.answered + sum(outcome.refused.values())


@dataclass
class FakeBudgets:
    """The ledger of budgets, of one run with limits or of none."""

    limits: Limits = field(default_factory=Limits)
    events: list[BudgetEvent] = field(default_factory=list)
    held: list[object] = field(default_factory=list)

    async def record(self, events: Sequence[BudgetEvent]) -> None:
        self.events.extend(events)

    async def states(self, run_id: str | None = None) -> Mapping[str, BudgetState]:
        if not self.limits:
            return {}
        reserved = Amount()
        for event in self.events:
            amount = Amount(event.cost_usd_micros or 0, event.images or 0)
            if event.event is BudgetEventKind.RESERVED:
                reserved += amount
            elif event.event is BudgetEventKind.RELEASED:
                reserved -= amount
        return {"run-1": BudgetState("run-1", self.limits, reserved)}

    async def spent(self, run_id: str) -> Amount:
        return Amount()

    async def unspent_reservations(self, run_id: str) -> Sequence[object]:
        return self.held


def engine(script: Script, *, budgets: FakeBudgets | None = None, parts: int = 100) -> BatchWorker:
    """Return the loop over a script; pauses take no time and are written down."""

    async def estimate(_: PartBatch) -> int:
        return COST

    async def sleep(seconds: float) -> None:
        script.steps.append(f"wait {seconds:g}")

    return BatchWorker(
        script, run_budgets(budgets or FakeBudgets()), estimate, parts=parts, sleep=sleep
    )


def run_budgets(budgets: FakeBudgets) -> RunBudgets:
    """Return the budgets of a process, over a ledger of one run."""
    numbers = iter(range(10_000))
    return RunBudgets(
        budgets, worker_id="w1", now=lambda: NOW, new_id=lambda: f"e{next(numbers)}",  # type: ignore[arg-type]  # a part of the port
        random=lambda: 0.0, pause_s=0.0, sleep=no_time,
    )  # fmt: skip


async def no_time(_: float) -> None:
    await asyncio.sleep(0)


def answered(count: int, **more: object) -> BatchOutcome:
    """Return what brought so many answers."""
    return BatchOutcome(answered=count, cost_usd_micros=count * COST, **more)  # type: ignore[arg-type]  # as named
