"""``sightline pilot``: process a sample end to end, and project the cost of the rest."""

from __future__ import annotations

import asyncio
import shlex
import sys
from typing import Annotated

import typer

from producer.run_budget_editor import read_limits
from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson, Embed, MaxCost, TaskNames
from sightline.cli.output import print_json, progress_bar, remark, say
from sightline.cli.state import State
from sightline.cli.views import pilot as views
from sightline.cli.views.enqueue import enqueued_json, remark_on_selection
from sightline.operations.enqueue import enqueue, preview
from sightline.operations.pilot import Pilot
from sightline.operations.pilot import pilot as run
from sightline.operations.requests import task_request


@filtered
def pilot(
    context: typer.Context,
    task: TaskNames = None,
    chosen: FilterOptions = NO_FILTER,
    embed: Embed = True,
    sample: Annotated[int, typer.Option(min=1, max=10_000, help="How many subjects to try.")] = 50,
    max_cost: MaxCost = None,
    yes: Annotated[bool, typer.Option("--yes", help="Enqueue the rest without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Process a sample of each asset type in this process, then ask whether to enqueue the rest.

    The sample is chosen by hash, and its results count: they are not paid for again. --max-cost is
    the budget of the rest. Example: sightline pilot --sample 100 --asset-type road_sign
    """
    state: State = context.obj
    settings = state.settings()
    limits = read_limits(max_cost, None)
    which = chosen.filter()
    command = shlex.join(sys.argv[1:])
    request = task_request(settings, which, tasks=task or (), embed=embed, command=command)
    result = asyncio.run(run(settings, request, sample))
    options = (("--task", task), *chosen.named(), ("--no-embed", not embed))
    following = views.enqueue_command(result, options, max_cost)
    if not as_json:
        views.print_pilot(result)
        if not result.trials:
            remark_on_selection(state.read(lambda warehouse: preview(warehouse, request)), settings)
    rest = None
    if result.rest_messages and (yes or (not as_json and _agreed(result))):
        rest = state.run(
            lambda engine: enqueue(engine, request, limits=limits, progress=progress_bar)
        )
    if as_json:
        enqueued = None if rest is None else enqueued_json(rest)
        print_json({**views.pilot_json(result), "next": following, "enqueued": enqueued})
    elif rest is not None:
        say(f"run {rest.run_id}: {rest.messages:,} messages")
        if rest.unmatched is not None:
            remark(str(rest.unmatched))
        remark("next: `sightline work --drain`")
    elif result.rest_messages:
        remark(f"next: `{following}`")


def _agreed(result: Pilot) -> bool:
    """Ask on a terminal; elsewhere the answer is no."""
    return sys.stdin.isatty() and typer.confirm(views.question(result), default=False, err=True)
