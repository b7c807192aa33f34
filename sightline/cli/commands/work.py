"""``sightline work``: a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.settings import Settings


def work(
    context: typer.Context,
    drain: Annotated[bool, typer.Option(help="Exit when the backlog is empty.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lease messages, classify and embed, write, settle; until stopped.

    SIGTERM or Ctrl-C drains what is in hand within the grace period; a second one ends at once.
    It ends by itself, with exit code 5, when all that is queued is of runs over their budgets.
    Example: sightline work --drain
    """
    import asyncio
    import logging

    from worker.main import work as run

    state: State = context.obj
    settings = state.settings()
    logging.basicConfig(
        level=logging.DEBUG if state.debug else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    left = 0
    with progress_bar("messages", None) as update:

        async def watch(vitals: Any, engine: Any) -> None:
            nonlocal left
            while True:
                backlog = await engine.backlog.backlog()
                left = (backlog.ready or 0) + (backlog.leased or 0)
                total = None if backlog.ready is None else vitals.progress.acked + left
                update(vitals.progress.acked, total or None)
                await asyncio.sleep(0.5)

        done = asyncio.run(run(settings, drain=drain, watch=watch))
    summary = done.as_dict()
    if as_json:
        print_json(summary)
    else:
        _print(summary, settings, left=0 if drain else left)
    if done.over_budget:
        raise done.over_budget


def _print(summary: dict[str, Any], settings: Settings, *, left: int) -> None:
    seconds = summary["seconds"]
    say(
        f"{summary['acked']:,} messages in {seconds:,.1f} s"
        f" ({summary['acked'] / max(seconds, 1e-9):,.0f}/s): {summary['answers']:,} answers,"
        f" {summary['embeddings']:,} embeddings, {sum(summary['dead'].values()):,} dead letters"
    )
    for reason, count in sorted(summary["dead"].items()):
        say(f"  {reason}: {count:,}")
    if summary["nacked_at_stop"]:
        say(f"  given back at the stop: {summary['nacked_at_stop']:,}")
    if summary["over_budget"]:
        say(f"  put off, since their run's budget is reached: {summary['over_budget']:,}")
    if summary["stopped_by"]:
        return
    if left:
        remark(f"stopped with about {left:,} messages in the queue; `sightline work` goes on")
    if settings.models.classify.startswith("demo"):
        remark("answers are by the demo model, which stands in for Gemini: docs/demo-model.md")
    remark('next: `sightline status`, or `sightline search "a stop sign with graffiti"`')
