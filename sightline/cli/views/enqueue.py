"""What ``sightline enqueue`` shows."""

from __future__ import annotations

from dataclasses import asdict

from sightline.cli.output import print_table, remark, say
from sightline.cli.views.money import usd
from sightline.cli.views.next_step import import_step
from sightline.errors import UnmatchedError
from sightline.operations.enqueue import EnqueuedRun, Overrun, PreviewedRun
from sightline.operations.republish import Recheck, Reconciliation, ResumedRuns
from sightline.operations.unmatched import Unmatched
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
        "unmatched": _unmatched_json(result.unmatched),
    }


def _unmatched_json(unmatched: Unmatched | None) -> dict[str, int]:
    return dict(unmatched.by_asset_type) if unmatched else {}


def check_matched(unmatched: Unmatched | None) -> None:
    """Let a command that left observations out end with the exit code for it.

    Raises:
        UnmatchedError: observations match no task.
    """
    if unmatched is not None:
        raise UnmatchedError(str(unmatched))


def print_enqueued(result: EnqueuedRun, settings: Settings) -> None:
    """Print the run, or why there is none."""
    option = f"--engine {result.engine}" if result.engine else "--drain"
    if result.nothing_to_do is None:
        say(f"run {result.run_id}: {result.messages:,} messages, {result.parts:,} parts")
        remark(f"next: `sightline work {option}`")
    else:
        left = result.nothing_to_do
        say(
            f"nothing to publish: of {left.matched:,} parts {left.done:,} are done,"
            f" {left.held:,} are in an open run, {left.dead:,} are dead letters"
        )
        if result.emptied is not None and result.emptied.total:
            remark(f"no observation passes: {result.emptied}")
        elif not left.observations:
            remark(f"next: `sightline {import_step(settings)}`, because there are no observations")
        elif left.held:
            remark(f"next: `sightline work {option}` processes the open run")
        elif left.dead:
            remark("next: `sightline dead-letters list` shows why they are dead")
        if result.leaves_out is None and result.unmatched is not None:
            remark(str(result.unmatched))
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
            f"it may be exceeded by what calls in flight ({result.calls} per worker at most) cost"
            f" beyond their estimates ({usd(result.answer_usd_micros)} per answer about one image,"
            " the longest included)"
        )


def preview_json(result: PreviewedRun) -> dict[str, object]:
    """Return the document of ``--dry-run --json``."""
    return {**asdict(result.preview), "unmatched": _unmatched_json(result.unmatched)}


def print_preview(result: PreviewedRun, settings: Settings) -> None:
    """Print what a run would do."""
    preview = result.preview
    rows = (
        ("observations that pass the filter", preview.observations),
        ("parts asked about them", preview.matched),
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
    remark_on_selection(result, settings, is_error=True)


def remark_on_selection(
    result: PreviewedRun, settings: Settings, *, is_error: bool = False
) -> None:
    """Print what a run would leave out, and why; with ``is_error``, the first line is an error."""
    if result.emptied is not None and result.emptied.total:
        remark(f"no observation passes: {result.emptied}")
    elif result.emptied is not None:
        remark(f"next: `sightline {import_step(settings)}`, because there are no observations")
    if result.unmatched is not None and not (is_error and result.leaves_out):
        remark(str(result.unmatched))


def resumed_json(result: ResumedRuns) -> dict[str, object]:
    """Return the document of ``--resume --json``."""
    return {"resumed": [asdict(run) for run in result.runs]}


def print_resumed(result: ResumedRuns) -> None:
    """Print what was published of each run."""
    if not result.runs:
        say("no run was interrupted")
    for run in result.runs:
        say(f"run {run.run_id}: {run.messages:,} messages published, {run.total:,} in total")


def print_reconciliation(result: Reconciliation) -> None:
    """Print how many messages were lost."""
    say(f"run {result.run_id}: {result.messages:,} messages published again")


def print_recheck(result: Recheck) -> None:
    """Print how many messages will be looked up."""
    say(f"{result.messages:,} queued messages will be looked up before models are called")
    remark("next: `sightline status --check`")


def _limits_text(limits: Limits) -> str:
    """Return the limits in words."""
    limit_texts = []
    if limits.cost_usd_micros is not None:
        limit_texts.append(usd(limits.cost_usd_micros))
    if limits.images is not None:
        limit_texts.append(f"{limits.images:,} images")
    return " and ".join(limit_texts) or "no limit"
