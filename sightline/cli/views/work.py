"""What ``sightline work`` shows when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from sightline.cli.output import say
from sightline.cli.views.next_step import work_step
from sightline.operations.work import WorkResult
from sightline.settings import Settings
from worker.main import Summary


def work_json(summary: Summary) -> dict[str, object]:
    """Return the document of ``--json``."""
    progress = summary.progress
    return {
        "worker_id": summary.worker_id,
        "seconds": round(summary.seconds, 3),
        **asdict(progress),
        "dead": dict(progress.dead),
        "rows": dict(progress.rows),
        "stopped_by": str(summary.over_budget) if summary.over_budget else None,
    }


def print_work(
    result: WorkResult,
    settings: Settings,
    remark: Callable[[str], None],
    *,
    drained: bool,
    model_remark: str,
) -> None:
    """Print what was done; ``remark`` prints what is not part of the result.

    ``model_remark`` is about the answers of a demo model. The number of queued messages is omitted
    for a worker that was to empty the queue.
    """
    progress = result.summary.progress
    seconds = round(result.summary.seconds, 3)
    say(
        f"{progress.acked:,} messages in {seconds:,.1f} s"
        f" ({progress.acked / max(seconds, 1e-9):,.0f}/s): {progress.answers:,} answers,"
        f" {progress.embeddings:,} embeddings, {progress.dead.total():,} dead letters"
    )
    for reason, count in sorted(progress.dead.items()):
        say(f"  {reason}: {count:,}")
    if progress.nacked_at_stop:
        say(f"  given back at the stop: {progress.nacked_at_stop:,}")
    if progress.over_budget:
        say(f"  postponed because the run's budget is reached: {progress.over_budget:,}")
    if result.summary.over_budget:
        return
    if result.left and not drained:
        remark(
            f"stopped with about {result.left:,} messages in the queue; run `sightline work` to"
            " continue"
        )
    if model_remark:
        remark(model_remark)
    elif settings.models.classify.startswith("demo") and progress.answers:
        remark(
            "the answers come from the demo model, which stands in for Gemini: docs/demo-model.md"
        )
    step = work_step(
        answers=progress.answers, embeddings=progress.embeddings, dead=progress.dead.total()
    )
    remark(f"next: {step}")
