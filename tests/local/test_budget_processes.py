"""Processes that race for one budget, and one that is killed with a slice in its hands."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sightline.local.warehouse import LocalBudgets
from sightline.ports import Amount, BudgetEvent, BudgetEventKind, Limits
from tests.conftest import CHECKOUT
from tests.local.budget_crew import ESTIMATE

BUDGET = 4000
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def chance() -> random.Random:
    """Return randomness whose seed is printed; ``CHAOS_SEED`` repeats it."""
    seed = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"CHAOS_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def start(tmp_path: Path, chance: random.Random) -> Iterator[Start]:
    """Return a function that starts a worker; what is left is killed."""
    processes: list[subprocess.Popen[bytes]] = []

    def start_(name: str, *, hours_later: float = 0.0) -> subprocess.Popen[bytes]:
        arguments = (tmp_path / "warehouse", tmp_path / f"{name}.log", name, chance.randrange(999))
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.local.budget_crew"),
                *map(str, arguments),
                str(hours_later),
            ],
            cwd=CHECKOUT,
        )
        processes.append(process)
        return process

    yield start_
    for started_process in processes:
        started_process.kill()
        started_process.wait()


async def put_budget(tmp_path: Path) -> LocalBudgets:
    """Set the budget of the run, and return the budgets."""
    budgets = LocalBudgets(tmp_path / "warehouse")
    now = datetime.now(UTC)
    await budgets.record([BudgetEvent("set", "run-1", BudgetEventKind.SET, "", BUDGET, None, now)])
    return budgets


def payments(log: Path) -> list[int]:
    """Return what a worker paid."""
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.extended
async def test_workers_that_race_for_the_last_slice_stay_within_the_budget(
    tmp_path: Path, start: Start
) -> None:
    budgets = await put_budget(tmp_path)
    workers = [start(f"w{number}") for number in range(3)]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0]
    paid = [sum(payments(tmp_path / f"w{number}.log")) for number in range(3)]
    # What is left over is less than a call, and what the others held when each of them gave up.
    assert BUDGET - 3 * 4 * ESTIMATE < sum(paid) <= BUDGET
    state = (await budgets.states("run-1"))["run-1"]
    assert (state.limits, state.reserved) == (Limits(BUDGET), Amount(sum(paid)))
    assert state.reached
    assert await budgets.unspent_reservations("run-1") == []


async def test_the_slice_of_a_killed_worker_is_never_spent_twice(
    tmp_path: Path, start: Start, chance: random.Random
) -> None:
    budgets = await put_budget(tmp_path)
    killed = start("killed")
    enough = chance.randint(1, 20)
    while len(payments(tmp_path / "killed.log")) < enough:
        assert killed.poll() is None
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert start("next").wait(120) == 0
    spent = Amount(sum(payments(tmp_path / "killed.log")))
    spent += Amount(sum(payments(tmp_path / "next.log")))
    assert spent.cost_usd_micros <= BUDGET
    unspent_of = {
        reservation.worker_id: reservation.unspent
        for reservation in await budgets.unspent_reservations("run-1")
    }
    assert set(unspent_of) <= {"killed"}
    assert start("later", hours_later=2.0).wait(120) == 0
    spent += Amount(sum(payments(tmp_path / "later.log")))
    unwritten = ESTIMATE  # the one call that was paid and not written when the worker was killed
    assert BUDGET - 2 * 4 * ESTIMATE < spent.cost_usd_micros <= BUDGET + unwritten
    assert await budgets.unspent_reservations("run-1") == []
