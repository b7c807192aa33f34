"""Connects budgets and cost estimates to the ledgers and the settings."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from sightline.ports import Engine
from sightline.settings import Settings
from sightline.wiring.ids import new_id
from sightline.wiring.prices import run_pricing
from worker.budgets.estimates import Estimates
from worker.budgets.run_budgets import RunBudgets


def run_budgets_of(engine: Engine, *, worker_id: str, now: Callable[[], datetime]) -> RunBudgets:
    """Return the budgets of the runs that this worker handles."""
    return RunBudgets(
        engine.budgets, worker_id=worker_id, now=now, new_id=new_id, random=random.random
    )


def estimates_of(engine: Engine, settings: Settings) -> Estimates:
    """Return estimates based on the configured prices and on the costs in the ledgers."""
    prices = run_pricing(settings)
    return Estimates(
        prices.price_of,
        engine.budgets,
        answers_at=prices.answers_at,
        embeddings_at=prices.embeddings_at,
    )
