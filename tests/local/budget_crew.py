"""A worker of one budget, as a process: it reserves, pays, logs and writes until nothing is left.

``python -m tests.local.budget_crew ROOT LOG WORKER SEED HOURS_LATER``. Each payment is logged
before its row is written, as a model bills before anybody hears of it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sightline.local.warehouse import LocalBudgets, LocalWriter
from sightline.model import Usage
from sightline.ports import Amount
from tests.local.warehouse_crew import answer
from worker.budgets.run_budgets import OverBudgetError, RunBudgets

ESTIMATE = 40


async def spend(root: Path, log: Path, worker_id: str, seed: int, later: timedelta) -> None:
    """Pay for calls until the budget is reached, then give back what is left."""
    chance = random.Random(seed)
    writer = LocalWriter(root)
    file = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def now() -> datetime:
        return datetime.now(UTC) + later

    run_budgets = RunBudgets(
        LocalBudgets(root),
        worker_id=worker_id,
        now=now,
        new_id=lambda: uuid.uuid4().hex,
        random=chance.random,
        pause_s=0.02,
    )
    try:
        for number in itertools.count():
            reservation = await run_budgets.reserve("run-1", Amount(ESTIMATE))
            cost = chance.randint(1, ESTIMATE)
            os.write(file, f"{cost}\n".encode())
            row = answer(f"{worker_id}-{number}", at=now(), worker_id=worker_id)
            how = replace(row.provenance, usage=Usage(1, 1, cost))
            await writer.write([replace(row, provenance=how)])
            reservation.charge(Amount(cost))
    except OverBudgetError:
        await run_budgets.close()


if __name__ == "__main__":
    root_, log_, worker_, seed_, hours_ = sys.argv[1:]
    asyncio.run(spend(Path(root_), Path(log_), worker_, int(seed_), timedelta(hours=float(hours_))))
