"""Budgets in memory, under the test's hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sightline.model import Part
from sightline.ports import (
    Amount,
    BudgetEvent,
    BudgetEventKind,
    BudgetState,
    CallHistory,
    Limits,
    UnspentReservation,
)

MOMENT = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class Ledger:
    """Budgets in memory; ``before_states`` runs before they are read."""

    events: list[BudgetEvent] = field(default_factory=list)
    held: list[UnspentReservation] = field(default_factory=list)
    dearest: int = 0
    reads: int = 0
    before_states: Callable[[], None] = lambda: None

    async def record(self, events: Sequence[BudgetEvent]) -> None:
        await asyncio.sleep(0)
        known = {event.event_id for event in self.events}
        self.events += [event for event in events if event.event_id not in known]

    async def states(self, run_id: str | None = None) -> Mapping[str, BudgetState]:
        self.before_states()
        self.reads += 1
        await asyncio.sleep(0)
        return {run: self._state(run) for run in self._runs() if run_id in {None, run}}

    def _runs(self) -> list[str]:
        return [event.run_id for event in self.events if event.event is BudgetEventKind.SET]

    def _state(self, run_id: str) -> BudgetState:
        own = [event for event in self.events if event.run_id == run_id]
        kinds = [event.event for event in own]
        last = max(place for place, kind in enumerate(kinds) if kind is BudgetEventKind.SET)
        return BudgetState(
            run_id,
            Limits(own[last].cost_usd_micros, own[last].images),
            self.reserved(run_id),
            BudgetEventKind.REACHED in kinds[last:],
        )

    def reserved(self, run_id: str = "run") -> Amount:
        signs = {BudgetEventKind.RESERVED: 1, BudgetEventKind.RELEASED: -1}
        total = Amount()
        for event in self.events:
            sign = signs.get(event.event, 0) if event.run_id == run_id else 0
            total += Amount(sign * (event.cost_usd_micros or 0), sign * (event.images or 0))
        return total

    def set(self, cost: int | None = None, images: int | None = None, run_id: str = "run") -> None:
        """Set a budget, as a person does."""
        name = f"set-{len(self.events)}"
        self.events.append(BudgetEvent(name, run_id, BudgetEventKind.SET, "", cost, images, MOMENT))

    async def spent(self, run_id: str) -> Amount:
        return Amount()

    async def unspent_reservations(self, run_id: str) -> Sequence[UnspentReservation]:
        return self.held

    async def history(self, part: Part) -> CallHistory:
        return CallHistory(most_cost_usd_micros=self.dearest)
