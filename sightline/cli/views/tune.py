"""What ``sightline tune`` shows about a plan, a submission and a job."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sightline.cli.output import print_table, remark, say
from sightline.cli.program import as_typed
from sightline.cli.views.money import usd
from sightline.export.tuning_set import FEW
from sightline.gcp.tuning import TuningJob
from sightline.operations.tuning.jobs import TuningJobs
from sightline.operations.tuning.plan import TuningPlan
from sightline.operations.tuning.submit import Submission


def submission_json(plan: TuningPlan, job: TuningJob | None, *, is_new: bool) -> dict[str, object]:
    """Return the document of ``tune submit --json``; without a job if none is submitted."""
    return {"plan": plan_json(plan), "submitted": is_new, "job": job and job_json(job)}


def plan_json(plan: TuningPlan) -> dict[str, object]:
    """Return a plan as plain values."""
    request, report = plan.request, plan.report
    return {
        "task": plan.task.name,
        "fingerprint": plan.task.fingerprint,
        "base_model": request.base_model,
        "display_name": request.display_name,
        "training": {"uri": request.training_uri, "examples": report.examples.train},
        "validation": {"uri": request.validation_uri, "examples": report.examples.validation},
        "held_out_assets": report.held_out_assets,
        "left_out": _left_out(plan),
        "tokens_an_epoch": report.training_tokens,
        "epochs": request.epochs,
        "usd_an_epoch": plan.usd_an_epoch,
        "usd": plan.usd,
    }


def _left_out(plan: TuningPlan) -> dict[str, int]:
    reasons = sorted(plan.report.examples.left_out.items())
    return {reason: answers for reason, answers in reasons if answers}


def job_json(job: TuningJob) -> dict[str, object]:
    """Return a job as plain values."""
    return {**asdict(job), "labels": dict(job.labels)}


def jobs_json(result: TuningJobs) -> list[dict[str, object]]:
    """Return the document of ``tune list --json``."""
    return [job_json(job) for job in result.jobs]


def print_plan(plan: TuningPlan) -> None:
    """Print what will be submitted, and its estimated cost."""
    request, report = plan.request, plan.report
    say(f"{plan.task.name}: tunes {request.base_model} in {plan.location}")
    say(
        f"  {report.examples.train:,} training examples; held out are"
        f" {report.examples.validation:,}, of {report.held_out_assets:,} assets"
    )
    say(f"  {plan.target.uri()}")
    left_out = _left_out(plan)
    if left_out:
        print_table("left out", ("reason", "answers"), list(left_out.items()))
    passes = f"{request.epochs} epochs" if request.epochs else "as many epochs as Google chooses"
    say(f"  about {report.training_tokens:,} tokens an epoch, {passes}")
    _print_cost(plan)
    if report.examples.train < FEW:
        remark(f"Google recommends beginning with {FEW} examples or more")


def _print_cost(plan: TuningPlan) -> None:
    if plan.usd_an_epoch is None:
        remark(
            f"what a training token of {plan.request.base_model} costs is not in the price table:"
            " check it, or add training_usd to a price file"
        )
        return
    total = "" if plan.usd is None else f", {usd(plan.usd * 1e6)} in total"
    say(f"  about {usd(plan.usd_an_epoch * 1e6)} an epoch{total}")


def remark_not_submitted() -> None:
    """Print that nothing was submitted, and what to do."""
    remark("nothing is submitted; next: the same command with --yes")


def print_submission(submission: Submission) -> None:
    """Print which job it is, and whether it is new."""
    outcome = "is submitted" if submission.is_new else "already exists: nothing is paid for again"
    say(f"tuning job {submission.job.number} {outcome}")


def remark_waiting(job: TuningJob) -> None:
    """Print the state of a job while waiting, and how to wait again."""
    remark(
        f"{job.state.lower()}; it continues without this command; run"
        f" `sightline tune status {job.name} --wait` to wait again"
    )


def print_job(job: TuningJob) -> None:
    """Print the state of a job, and how to use its model."""
    say(f"job       {job.name}")
    say(f"state     {job.state.lower()}{f': {job.error}' if job.error else ''}")
    say(f"base      {job.base_model}")
    say(f"examples  {job.training_uri}")
    if job.billable_tokens:
        say(f"billed    {job.billable_tokens:,} tokens, {job.examples or 0:,} examples")
    if job.created_at:
        say(f"made      {_to_the_minute(job.created_at)}")
    if job.ended_at:
        say(f"ended     {_to_the_minute(job.ended_at)}")
    if not job.succeeded:
        return
    say(f"model     {job.endpoint}")
    remark(f"next: `sightline tune evaluate {job.name}`; to use the model,")
    remark(f'  models.classify = "{job.endpoint}"  in the settings, and in a price file')
    say()
    say(price_entry(job))


def print_jobs(result: TuningJobs) -> None:
    """Print jobs as a table."""
    if not result.jobs:
        say(as_typed("no tuning jobs; `sightline tune submit` creates one"))
        return
    print_table(
        "",
        ("job", "task", "base model", "state", "made"),
        [
            (job.number, job.task or "-", job.base_model, job.state, _to_the_minute(job.created_at))
            for job in result.jobs
        ],
    )


def remark_too_late(job: TuningJob) -> None:
    """Print whether a job that was to be cancelled had already ended."""
    if job.is_active or job.state == "CANCELLED":
        return
    remark(
        f"too late: tuning job {job.number} has ended, {job.state.lower()}, and is not cancelled;"
        " its cost is billed"
    )


def price_entry(job: TuningJob) -> str:
    """Return the price file entry that gives a tuned model the price of its base."""
    since = job.ended_at or job.created_at
    return "\n".join(
        [
            "[[price]]",
            f'model = "{job.endpoint}"',
            f"since = {since:%Y-%m-%d}",
            f'tuned_from = "{job.base_model}"',
        ]
    )


def _to_the_minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "-"
