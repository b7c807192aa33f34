"""What ``sightline enqueue`` shows."""

from __future__ import annotations

from dataclasses import asdict

from sightline.cli.output import print_table, remark, say
from sightline.cli.views.money import usd
from sightline.cli.views.next_step import import_step
from sightline.model import Preview
from sightline.operations.enqueue import EnqueuedRun, Overrun
from sightline.operations.republish import Recheck, Reconciliation, ResumedRuns
from sightline.ports import Limits
from sightline.settings import Settings


def enqueued_json(result: EnqueuedRun) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "run_id": result.run_id,
        "messages": result.messages,
        "parts": result.parts,
        "interrupted_runs": result.interrupted_runs,
        "nothing_to_do": asdict(result.nothing_to_do) if result.nothing_to_do else None,
    }


def print_enqueued(result: EnqueuedRun, settings: Settings) -> None:
    """Print the run, or why there is none."""
    if result.nothing_to_do is None:
        say(f"run {result.run_id}: {result.messages:,} messages, {result.parts:,} parts")
        option = f"--engine {result.engine}" if result.engine else "--drain"
        remark(f"next: `sightline work {option}`")
    else:
        left = result.nothing_to_do
        say(
            f"nothing to publish: of {left.matched:,} parts {left.done:,} are done,"
            f" {left.held:,} are in an open run, {left.dead:,} are dead letters"
        )
        if not left.observations:
            remark(f"next: `sightline {import_step(settings)}`, because no observation matches")
    if result.interrupted_runs:
        remark(
            f"interrupted: {', '.join(result.interrupted_runs)}; `sightline enqueue --resume all`"
        )


def print_overrun(result: Overrun) -> None:
    """Print the budget of a run, and how far it may be exceeded."""
    limits = result.limits
    if result.answer_usd_micros is None:
        remark(f"budget: {_limits_text(limits)}; it is reserved before models are asked")
        return
    remark(f"budget: {_limits_text(limits)}; workers reserve it before they call")
    if limits.cost_usd_micros is not None:
        remark(
            f"it may be exceeded by what calls under way ({result.calls} a worker at most) cost"
            f" beyond their estimates ({usd(result.answer_usd_micros)} an answer of one image, the"
            " longest included)"
        )


def print_preview(preview: Preview) -> None:
    """Print what a run would do."""
    rows = (
        ("observations that match", preview.observations),
        ("parts that match", preview.matched),
        ("  done already", preview.done),
        ("  dead letters (replay them)", preview.dead),
        ("  in an open run", preview.held),
        ("  to publish", preview.to_publish),
        ("messages to publish", preview.messages),
    )
    print_table("", ("a run would find", "count"), rows)
    if preview.by_asset_type:
        say()
        print_table("", ("asset type", "observations"), preview.by_asset_type)


def resumed_json(result: ResumedRuns) -> dict[str, object]:
    """Return the document of ``--resume --json``."""
    return {"resumed": [asdict(run) for run in result.runs]}


def print_resumed(result: ResumedRuns) -> None:
    """Print what was published of each run."""
    if not result.runs:
        say("no run was interrupted")
    for run in result.runs:
        say(f"run {run.run_id}: {run.messages:,} messages published, {run.total:,} in all")


def print_reconciliation(result: Reconciliation) -> None:
    """Print how many messages were lost."""
    say(f"run {result.run_id}: {result.messages:,} messages published again")


def print_recheck(result: Recheck) -> None:
    """Print how many messages are looked up."""
    say(f"{result.messages:,} queued messages will be looked up before anything is paid")
    remark("next: `sightline status --check`")


def _limits_text(limits: Limits) -> str:
    """Return the limits in words."""
    limit_texts = []
    if limits.cost_usd_micros is not None:
        limit_texts.append(usd(limits.cost_usd_micros))
    if limits.images is not None:
        limit_texts.append(f"{limits.images:,} images")
    return " and ".join(limit_texts) or "no limit"
