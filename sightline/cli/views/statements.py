"""What ``sightline work`` shows of engines without workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.cli.money import usd
from sightline.cli.output import print_table, remark, say
from sightline.operations.statements import StatementPlan, StatementWork
from worker.statements.loop import name_of

if TYPE_CHECKING:
    from sightline.gcp.batch.jobs import BatchJob


def statement_work_json(result: StatementWork) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {"worker_id": result.worker_id, **result.done.as_dict()}


def print_statement_work(result: StatementWork) -> None:
    """Print what was brought, and what it cost."""
    done = result.done
    passes = "statements" if result.engine == "bigquery" else "jobs"
    say(
        f"{done.passes:,} {passes}: {done.answers:,} answers,"
        f" {done.embeddings:,} embeddings, {done.dead.total():,} dead letters"
    )
    for reason, count in sorted(done.dead.items()):
        say(f"  {reason}: {count:,}")
    if done.passes:
        billed, slot_hours = done.effort.bytes_billed / 1e9, done.effort.slot_ms / 3.6e6
        say(
            f"  models: {usd(done.cost_usd_micros)};"
            f" BigQuery: {billed:,.3f} GB billed, {slot_hours:,.3f} slot hours"
        )
    if not (done.stuck or done.stopped_by):
        remark('next: `sightline status`, or `sightline search "a stop sign with graffiti"`')


def statement_plan_json(result: StatementPlan) -> list[dict[str, object]]:
    """Return the document of ``--dry-run --json``."""
    return [planned.as_dict() for planned in result.lots]


def print_statement_plan(result: StatementPlan) -> None:
    """Print what is to be done about each lot, and what it may cost."""
    if not result.lots:
        say("nothing is left to ask about; `sightline enqueue` makes a run")
        return
    rows = [
        (
            planned.lot.run_id,
            name_of(planned.lot),
            planned.parts,
            planned.passes,
            usd(planned.cost_usd_micros),
            f"{planned.bytes_read / 1e9:,.3f}",
            _budget(planned.budget_usd_micros, planned.budget_images),
        )
        for planned in result.lots
    ]
    print_table("", ("run", "what", "parts", "passes", "models, at most", "GB", "budget"), rows)
    say(
        "GB are read by the statements around the models, as a dry run says. Parts that are refused"
        " for now take further passes."
    )
    if any(planned.bound for planned in result.lots):
        remark(
            "a budget may end the work early; `sightline budget RUN` with --max-cost"
            " or --max-images raises it"
        )
    remark("next: `sightline work` without --dry-run")


def _budget(usd_micros: int | None, images: int | None) -> str:
    limits = [] if usd_micros is None else [usd(usd_micros)]
    if images is not None:
        limits.append(f"{images:,} images")
    return ", ".join(limits) or "-"


def remark_job(job: BatchJob) -> None:
    """Print that a batch job came into another state."""
    remark(f"batch job {job.resource}: {job.state.removeprefix('JOB_STATE_').lower()}")
