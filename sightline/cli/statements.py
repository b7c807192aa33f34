"""``sightline work --engine bigquery``: BigQuery asks the models; this process only says what."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from sightline.cli.output import print_json, progress_bar, remark, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from sightline.ports import Lot
    from sightline.settings import Settings
    from sightline.wiring import Engine
    from worker.by_statements import WorkedOff, EstimateOf, Step


def work_by_statements(settings: Settings, worker_id: str, *, as_json: bool) -> None:
    """Work off all open runs of this engine; say what was done.

    Raises:
        BudgetError: the budget of a run is reached.
        TransientError: parts are refused again and again, or BigQuery is out of reach.
        ConfigurationError: the job cannot be done as configured.
    """
    from worker.by_statements import over_budget, refused_for_now

    with progress_bar("parts", None) as update:
        done = asyncio.run(_work(settings, worker_id, _shown_by(update)))
    if as_json:
        print_json({"worker_id": worker_id, **done.as_dict()})
    else:
        _print(done)
    if error := over_budget(done) or refused_for_now(done):
        raise error


async def _work(settings: Settings, worker_id: str, on_step: Callable[[Step], None]) -> WorkedOff:
    from sightline.wiring import new_id, open_engine, utc_now
    from sightline.wiring.statements import open_lots
    from worker.by_statements import ByStatements
    from worker.treasury import Treasury

    async with (
        open_engine(settings) as engine,
        open_lots(settings, engine.runs, engine.ledgers, worker_id=worker_id) as lots,
    ):
        treasury = Treasury(
            engine.budgets, worker_id=worker_id, now=utc_now, new_id=new_id, random=random.random
        )
        return await ByStatements(
            lots,
            treasury,
            _estimates(settings, engine),
            parts=settings.sql.parts_a_statement,
            on_step=on_step,
        ).work()


def _estimates(settings: Settings, engine: Engine) -> EstimateOf:
    from sightline.errors import NotFoundError
    from sightline.model import EmbeddingPart
    from sightline.wiring import pricing
    from sightline.work_lists import MAX_OBSERVATIONS
    from worker.estimates import Estimates

    prices = pricing(settings)
    estimates = Estimates(
        prices.price_of,
        engine.budgets,
        answers_at=prices.answers_at,
        embeddings_at=prices.embeddings_at,
    )

    async def of(lot: Lot) -> int:
        if isinstance(lot.part, EmbeddingPart):
            return await estimates.of_embedding(lot.part)
        task = await engine.ledgers.task_version(lot.part.fingerprint)
        if task is None:
            raise NotFoundError(
                f"task {lot.part.task} is in no ledger; run `sightline enqueue` again"
            )
        return await estimates.of_answer(lot.part, task, MAX_OBSERVATIONS if lot.by_asset else 1)

    return of


def _shown_by(update: Callable[[int, int | None], None]) -> Callable[[Step], None]:
    def show(step: Step) -> None:
        update(step.first_left - step.left, step.first_left)

    return show


def _print(done: WorkedOff) -> None:
    found: dict[str, Any] = done.as_dict()
    say(
        f"{found['passes']:,} statements: {found['answers']:,} answers,"
        f" {found['embeddings']:,} embeddings, {sum(found['dead'].values()):,} dead letters"
    )
    for reason, count in sorted(found["dead"].items()):
        say(f"  {reason}: {count:,}")
    if not (done.stuck or done.stopped_by):
        remark('next: `sightline status`, or `sightline search "a stop sign with graffiti"`')
