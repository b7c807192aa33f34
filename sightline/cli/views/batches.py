"""What ``sightline work`` shows of engines without workers."""

from __future__ import annotations

from dataclasses import asdict

from sightline.cli.output import print_table, remark, say
from sightline.cli.program import as_typed
from sightline.cli.views.money import usd
from sightline.cli.views.next_step import work_step
from sightline.gcp.batch.jobs import BatchJob
from sightline.model import AnswerPart
from sightline.operations.batches import BatchWorkPlan, BatchWorkResult
from worker.batches.batch_worker import name_of
from worker.batches.plan import BatchPlan


def batch_work_json(result: BatchWorkResult) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {"worker_id": result.worker_id, **asdict(result.done), "dead": dict(result.done.dead)}


def print_batch_work(result: BatchWorkResult) -> None:
    """Print the outcome, and its cost."""
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
        step = work_step(answers=done.answers, embeddings=done.embeddings, dead=done.dead.total())
        remark(f"next: {step}")


def batch_plan_json(result: BatchWorkPlan) -> list[dict[str, object]]:
    """Return the document of ``--dry-run --json``."""
    return [_plan_json(batch_plan) for batch_plan in result.batches]


def _plan_json(batch_plan: BatchPlan) -> dict[str, object]:
    part, left = batch_plan.batch.part, batch_plan.budget_usd_micros
    return {
        "run_id": batch_plan.batch.run_id,
        "what": name_of(batch_plan.batch),
        "model": part.model,
        "kind": "answers" if isinstance(part, AnswerPart) else "embeddings",
        "parts": batch_plan.parts,
        "passes": batch_plan.passes,
        "most_cost_usd": batch_plan.cost_usd_micros / 1e6,
        "bytes_read": batch_plan.bytes_read,
        "budget_left_usd": None if left is None else left / 1e6,
        "budget_left_images": batch_plan.budget_images,
        "bound_by_budget": batch_plan.bound,
    }


def print_batch_plan(result: BatchWorkPlan) -> None:
    """Print what is to be done for each batch, and what it may cost."""
    if not result.batches:
        say(as_typed("nothing is left to do; `sightline enqueue` creates a run"))
        return
    rows = [
        (
            batch_plan.batch.run_id,
            name_of(batch_plan.batch),
            batch_plan.parts,
            batch_plan.passes,
            usd(batch_plan.cost_usd_micros),
            f"{batch_plan.bytes_read / 1e9:,.3f}",
            _budget(batch_plan.budget_usd_micros, batch_plan.budget_images),
        )
        for batch_plan in result.batches
    ]
    print_table("", ("run", "what", "parts", "passes", "models, at most", "GB", "budget"), rows)
    say(
        "GB are read by the statements around the models, by a dry run. Parts that are refused"
        " for now take further passes."
    )
    if any(batch_plan.bound for batch_plan in result.batches):
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
    """Print the new state of a batch job."""
    remark(f"batch job {job.resource}: {job.state.removeprefix('JOB_STATE_').lower()}")
