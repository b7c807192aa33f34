"""``sightline work`` for engines without workers: this process only says what is to be asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sightline.cli.output import print_json, print_table, progress_bar, remark, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from sightline.gcp.batch.jobs import BatchJob
    from sightline.settings import Settings
    from worker.statements.loop import Step, WorkedOff


def show_work(settings: Settings, worker_id: str, *, as_json: bool) -> None:
    """Work off all open runs of this engine; say what was done.

    Raises:
        BudgetError: the budget of a run is reached.
        TransientError: parts are refused again and again, or Google is out of reach.
        ConfigurationError: the job cannot be done as configured.
    """
    from sightline.wiring.statements import engine_of_runs
    from worker.statements.loop import over_budget, refused_for_now
    from worker.statements.main import work_by_statements

    engine = engine_of_runs(settings)
    with progress_bar("parts", None) as update:
        shown = _Shown(update)
        work = work_by_statements(
            settings, worker_id=worker_id, on_step=shown.step, on_job=shown.job
        )
        done = asyncio.run(work)
    if as_json:
        print_json({"worker_id": worker_id, **done.as_dict()})
    else:
        _print(done, "statements" if engine == "bigquery" else "jobs")
    if error := over_budget(done) or refused_for_now(done, engine):
        raise error


def show_plan(settings: Settings, worker_id: str, *, as_json: bool) -> None:
    """Say what is to be done, and what it may cost; raises as ``show_work``."""
    from sightline.cli.money import usd
    from worker.statements.loop import name_of
    from worker.statements.main import plan_by_statements

    planned = asyncio.run(plan_by_statements(settings, worker_id=worker_id))
    if as_json:
        print_json([one.as_dict() for one in planned])
        return
    if not planned:
        say("nothing is left to ask about; `sightline enqueue` makes a run")
        return
    rows = [
        (
            one.lot.run_id,
            name_of(one.lot),
            one.parts,
            one.passes,
            usd(one.cost_usd_micros),
            f"{one.bytes_read / 1e9:,.3f}",
            _left(one.budget_usd_micros, one.budget_images),
        )
        for one in planned
    ]
    print_table("", ("run", "what", "parts", "passes", "models, at most", "GB", "budget"), rows)
    say(
        "GB are read by the statements around the models, as a dry run says. Parts that are refused"
        " for now take further passes."
    )
    if any(one.bound for one in planned):
        remark(
            "a budget may end the work early; `sightline budget RUN` with --max-cost"
            " or --max-images raises it"
        )
    remark("next: `sightline work` without --dry-run")


def _left(usd_micros: int | None, images: int | None) -> str:
    from sightline.cli.money import usd

    found = [] if usd_micros is None else [usd(usd_micros)]
    if images is not None:
        found.append(f"{images:,} images")
    return ", ".join(found) or "-"


class _Shown:
    """Progress: the parts that are settled, and with them those that a job has answered so far."""

    def __init__(self, update: Callable[[int, int | None], None]) -> None:
        self._update = update
        self._settled, self._total = 0, 0
        self._told: dict[str, str] = {}

    def step(self, step: Step) -> None:
        self._settled, self._total = step.first_left - step.left, step.first_left
        self._update(self._settled, self._total)

    def job(self, job: BatchJob) -> None:
        """Say when a job comes into another state: it may wait for hours before it runs."""
        if self._told.get(job.resource) != job.state:
            self._told[job.resource] = job.state
            remark(f"batch job {job.resource}: {job.state.removeprefix('JOB_STATE_').lower()}")
        if not job.ended:
            self._update(self._settled + job.done, self._total or None)


def _print(done: WorkedOff, what: str) -> None:
    from sightline.cli.money import usd

    found: dict[str, Any] = done.as_dict()
    say(
        f"{found['passes']:,} {what}: {found['answers']:,} answers,"
        f" {found['embeddings']:,} embeddings, {sum(found['dead'].values()):,} dead letters"
    )
    for reason, count in sorted(found["dead"].items()):
        say(f"  {reason}: {count:,}")
    if done.passes:
        billed, slot_hours = done.effort.bytes_billed / 1e9, done.effort.slot_ms / 3.6e6
        say(
            f"  models: {usd(done.cost_usd_micros)};"
            f" BigQuery: {billed:,.3f} GB billed, {slot_hours:,.3f} slot hours"
        )
    if not (done.stuck or done.stopped_by):
        remark('next: `sightline status`, or `sightline search "a stop sign with graffiti"`')
