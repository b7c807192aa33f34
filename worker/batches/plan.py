"""What work on batches is about to do, and what it may cost; nothing is asked or made."""

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
    """What is to be done about one batch.

    ``cost_usd_micros`` is held before models are asked, and is their upper estimate.
    ``bytes_read`` is what the statements around them read, by a dry run. ``budget_usd_micros`` and
    ``budget_images`` are what is left of the run's budget when it is this batch's turn, where those
    before it cost as much as is held for them; ``None`` where nothing of the kind is limited. An
    image counts once for each part.
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
        """Whether the budget ends it before all is asked."""
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
    """Return what is to be done about each batch, where all goes well at the first try.

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
    """Return how many passes ask about so many parts, none of which is refused for now."""
    first = min(FIRST_PARTS, parts)
    return 1 + ceil(max(0, left - first) / parts)
