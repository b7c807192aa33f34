"""How ``sightline tune`` says what it is about to do, what a job has come to, and who is better."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.cli.output import print_table, remark, say

if TYPE_CHECKING:
    from sightline.cli.tuning.evaluation import Evaluated
    from sightline.cli.tuning.submission import Planned
    from sightline.gcp.tuning import TuningJob


def as_dict(job: TuningJob) -> dict[str, Any]:
    """Return a job as JSON holds it."""
    from dataclasses import asdict

    return {**asdict(job), "labels": dict(job.labels)}


def say_plan(planned: Planned, location: str) -> None:
    """Say what is about to be submitted, and what is known of its cost."""
    from sightline.cli.money import usd
    from sightline.export.tuning_set import FEW

    found = planned.as_dict()
    report = planned.report
    say(f"{found['task']}: tunes {found['base_model']} in {location}")
    say(
        f"  {report.examples.train:,} examples to learn from; held out are"
        f" {report.examples.validation:,}, of {report.held_out_assets:,} assets"
    )
    say(f"  {planned.target.uri()}")
    if found["left_out"]:
        print_table("left out", ("reason", "answers"), list(found["left_out"].items()))
    passes = f"{found['epochs']} epochs" if found["epochs"] else "as many epochs as Google chooses"
    say(f"  about {found['tokens_an_epoch']:,} tokens an epoch, {passes}")
    cost = planned.usd_an_epoch
    if cost is None:
        remark(
            f"what a training token of {found['base_model']} costs is not in the price table: look"
            " it up, or add training_usd to a price file"
        )
    else:
        total = f", {usd(cost * 1e6 * found['epochs'])} in all" if found["epochs"] else ""
        say(f"  about {usd(cost * 1e6)} an epoch{total}")
    if report.examples.train < FEW:
        remark(f"Google recommends to begin with {FEW} examples or more")


def say_job(job: TuningJob) -> None:
    """Say what is known of a job, and how its model is used."""
    say(f"job       {job.name}")
    say(f"state     {job.state.lower()}{f': {job.error}' if job.error else ''}")
    say(f"base      {job.base_model}")
    say(f"examples  {job.training_uri}")
    if job.billable_tokens:
        say(f"billed    {job.billable_tokens:,} tokens, {job.examples or 0:,} examples")
    if job.created_at:
        say(f"made      {when(job.created_at)}")
    if job.ended_at:
        say(f"ended     {when(job.ended_at)}")
    if not job.succeeded:
        return
    say(f"model     {job.endpoint}")
    remark(f"next: `sightline tune evaluate {job.name}`; to use the model,")
    remark(f'  models.classify = "{job.endpoint}"  in the settings, and in a price file')
    say()
    say(price_entry(job))


def remark_too_late(job: TuningJob) -> None:
    """Say of a job that was to be cancelled that it had ended otherwise, if it had."""
    if job.waits or job.state == "CANCELLED":
        return
    remark(
        f"too late: tuning job {job.number} has ended, {job.state.lower()}, and is not cancelled;"
        " what it has cost is paid"
    )


def price_entry(job: TuningJob) -> str:
    """Return the entry of a price file by which a tuned model costs what its base does."""
    since = job.ended_at or job.created_at
    return "\n".join(
        [
            "[[price]]",
            f'model = "{job.endpoint}"',
            f"since = {since:%Y-%m-%d}",
            f'tuned_from = "{job.base_model}"',
        ]
    )


def when(at: datetime | None) -> str:
    """Return a time to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "-"


def say_evaluation(
    job: TuningJob,
    task: str,
    asked: int,
    done: Evaluated,
    skipped: list[str],
    truth: Path | None,
) -> None:
    """Say how the two models compare, field by field."""
    from sightline.cli.money import usd
    from sightline.cli.tuning.evaluation import OVER_BUDGET

    say(
        f"{task}: {len(done.pairs):,} of {asked:,} held-out assets, one image each,"
        f" {job.base_model} and {job.endpoint}"
    )
    if not done.pairs:
        why = "raise --max-cost" if done.left_out[OVER_BUDGET] else "see what was left out"
        remark(f"nothing was compared: {why}")
    print_table(
        "",
        ("field", "n", "base", "tuned", "majority", "difference", "95 % from", "to", "p (Holm)",
         "verdict"),
        [
            (one.field, one.subjects, one.base, one.tuned, one.majority, one.difference,
             one.low, one.high, one.p_holm, one.verdict)
            for one in done.fields
        ],
    )  # fmt: skip
    if done.left_out:
        print_table("left out", ("reason", "assets"), sorted(done.left_out.items()))
    for side, counts in done.failed.items():
        for reason, count in sorted(counts.items()):
            say(f"wrong, since {side} ended by {reason}: {count:,}")
    if skipped:
        say(f"not compared, since no answer is simply right: {', '.join(skipped)}")
    say(f"{done.calls:,} calls for {usd(done.usd_micros)}")
    if truth is None:
        remark("right is what the held-out answers say, which a model or a person gave: no truth")
