"""Plans work on batches and estimates its cost, without asking or creating anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from sightline.ports import Amount, BudgetState, PartBatch, PartBatches
from worker.batches.batch_worker import FIRST_PARTS, EstimateOf
from worker.budgets.run_budgets import RunBudgets


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """The planned work on one batch.

    ``cost_usd_micros`` is an upper estimate, reserved before models are asked. ``bytes_read`` is
    what the surrounding statements read, according to a dry run. ``budget_usd_micros`` and
    ``budget_images`` are what is left of the run's budget when this batch begins, if earlier
    batches cost as much as is reserved for them; ``None`` means unlimited. An image counts once per
    part.
    """

    batch: PartBatch
    parts: int
    passes: int
    cost_usd_micros: int
    bytes_read: int
    budget_usd_micros: int | None
    budget_images: int | None

    @property
    def bound(self) -> bool:
        """Whether the budget ends the batch before all its parts are asked."""
        usd, images = self.budget_usd_micros, self.budget_images
        return (usd is not None and self.cost_usd_micros > usd) or (
            images is not None and self.parts > images
        )


async def plan(
    batches: PartBatches,
    run_budgets: RunBudgets,
    estimate_of: EstimateOf,
    *,
    parts: int,
    run_id: str | None = None,
) -> Sequence[BatchPlan]:
    """Return the planned work on each batch, assuming that every first try succeeds.

    Raises:
        TransientError, ConfigurationError, NotFoundError: see ``PartBatches``.
    """
    budgets = await run_budgets.states()
    before: defaultdict[str, Amount] = defaultdict(Amount)
    plans = []
    for batch in await batches.batches(run_id):
        left = await batches.unsettled(batch)
        if not left:
            continue
        passes = passes_for(left, parts)
        state = budgets.get(batch.run_id, BudgetState(batch.run_id))
        gone = state.reserved + before[batch.run_id]
        cost = left * await estimate_of(batch)
        before[batch.run_id] += Amount(cost, left)
        plans.append(
            BatchPlan(
                batch,
                left,
                passes,
                cost,
                passes * await batches.weight(batch),
                _rest(state.limits.cost_usd_micros, gone.cost_usd_micros),
                _rest(state.limits.images, gone.images),
            )
        )
    return plans


def _rest(limit: int | None, gone: int) -> int | None:
    return None if limit is None else max(0, limit - gone)


def passes_for(left: int, parts: int) -> int:
    """Return how many passes are needed for this many parts without refusals."""
    first = min(FIRST_PARTS, parts)
    return 1 + ceil(max(0, left - first) / parts)
