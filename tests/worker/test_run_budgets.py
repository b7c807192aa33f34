"""A reservation of a budget while something goes on for hours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from sightline.errors import StorageError
from sightline.ports import Amount, BudgetEvent, BudgetEventKind
from tests.worker.ledger import MOMENT, Ledger
from worker.budgets.run_budgets import RENEW_EVERY_S, RunBudgets


class Clock:
    """A time that passes by sleeping, for as long as the test allows."""

    def __init__(self) -> None:
        self.at = MOMENT
        self.allowed = asyncio.Semaphore(0)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await self.allowed.acquire()
        self.at += timedelta(seconds=seconds)


def run_budgets(ledger: Ledger, clock: Clock) -> RunBudgets:
    ids = iter(range(99))
    return RunBudgets(
        ledger,
        worker_id="w1",
        now=clock.now,
        new_id=lambda: f"n{next(ids)}",
        random=lambda: 0.5,
        pause_s=0.0,
        sleep=clock.sleep,
    )


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_held_for_hours_is_never_old() -> None:
    ledger, clock = Ledger(), Clock()
    ledger.set(cost=1000)
    own = run_budgets(ledger, clock)
    reservation = await own.reserve("run", Amount(400))
    reserved = ledger.reserved()
    async with own.kept("run"):
        for _ in range(8):
            clock.allowed.release()
            await settle()
    assert clock.at == MOMENT + timedelta(seconds=8 * RENEW_EVERY_S)
    events = [event for event in ledger.events if event.event is BudgetEventKind.RESERVED]
    ages = [later.at - earlier.at for earlier, later in pairwise(events)]
    assert ages == [timedelta(seconds=RENEW_EVERY_S)] * 8
    assert ledger.reserved() == reserved

    reservation.charge(Amount(150))
    await own.close()
    assert ledger.reserved() == Amount(150)
    assert ledger.events[-1].event_id == f"{events[-1].event_id}/released"


async def test_nothing_is_renewed_afterwards_nor_without_a_budget() -> None:
    ledger, clock = Ledger(), Clock()
    own = run_budgets(ledger, clock)
    await own.reserve("free", Amount(1))
    async with own.kept("free"):
        await settle()
    assert ledger.events == []

    ledger.set(cost=10)
    await own.reserve("run", Amount(1))
    before = len(ledger.events)
    async with own.kept("run"):
        await settle()
    clock.allowed.release()
    await settle()
    assert len(ledger.events) == before


async def test_a_ledger_that_takes_nothing_ends_nothing_that_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class FullDisk(Ledger):
        full = False

        async def record(self, events: Sequence[BudgetEvent]) -> None:
            if self.full:
                raise StorageError("the disk is full; free some space")
            await super().record(events)

    ledger, clock = FullDisk(), Clock()
    ledger.set(cost=10)
    own = run_budgets(ledger, clock)
    await own.reserve("run", Amount(1))
    done = False
    ledger.full = True
    async with own.kept("run"):
        clock.allowed.release()
        await settle()
        done = True
    assert done
    assert "could not be renewed: the disk is full" in caplog.text
