"""Estimates the cost and duration of a run, with every assumption as a field."""

from __future__ import annotations

from producer.estimate import Estimate, Prices, Rates
from producer.estimate import estimate as estimate_run
from sightline.operations.requests import TaskRequest
from sightline.operations.selection import check_asset_types
from sightline.ports import Warehouse
from sightline.wiring.ids import utc_now
from sightline.wiring.prices import run_pricing


async def estimate(
    warehouse: Warehouse, task_request: TaskRequest, *, calls_per_minute: float | None = None
) -> Estimate:
    """Return what a run would cost; nothing is written or paid for.

    ``calls_per_minute`` is the rate of calls to each model by all workers together; by default, the
    limits in the settings apply.

    Raises:
        ConfigurationError: a price file is invalid.
    """
    await check_asset_types(warehouse, task_request.request.filter, of_source=True)
    settings = warehouse.settings
    prices = run_pricing(settings)
    calls_per_s = calls_per_minute / 60 if calls_per_minute else None
    return await estimate_run(
        warehouse.source,
        warehouse.budgets,
        task_request.request,
        task_request.tasks,
        Prices(prices.price_of, prices.answers_at, prices.embeddings_at, utc_now().date()),
        Rates(
            calls_per_s or settings.classify_limit.rate_per_s or None,
            calls_per_s or settings.embed_limit.rate_per_s or None,
        ),
    )
