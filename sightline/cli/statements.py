"""``sightline work --engine bigquery``: BigQuery asks the models; this process only says what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sightline.cli.output import print_json, progress_bar, remark, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from sightline.settings import Settings
    from worker.by_statements import Step, WorkedOff


def show_work(settings: Settings, worker_id: str, *, as_json: bool) -> None:
    """Work off all open runs of this engine; say what was done.

    Raises:
        BudgetError: the budget of a run is reached.
        TransientError: parts are refused again and again, or BigQuery is out of reach.
        ConfigurationError: the job cannot be done as configured.
    """
    from worker.by_statements import over_budget, refused_for_now
    from worker.without_fleet import work_by_statements

    with progress_bar("parts", None) as update:
        work = work_by_statements(settings, worker_id=worker_id, on_step=_shown_by(update))
        done = asyncio.run(work)
    if as_json:
        print_json({"worker_id": worker_id, **done.as_dict()})
    else:
        _print(done)
    if error := over_budget(done) or refused_for_now(done):
        raise error


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
