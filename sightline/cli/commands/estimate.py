"""``sightline estimate``: what a run would cost, with every assumption spelled out."""

from __future__ import annotations

from typing import Annotated

import typer

from producer.estimate import Estimate
from sightline.cli.filter_options import NO_FILTER, FilterOptions, filtered
from sightline.cli.options import AsJson, Embed, EmbedOnly, EngineName, Limit, TaskNames
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.estimate import estimate_json, print_estimate
from sightline.operations.enqueue import PreviewedRun, with_what_is_left_out
from sightline.operations.estimate import estimate as run
from sightline.operations.requests import task_request
from sightline.ports import Warehouse


@filtered
def estimate(
    context: typer.Context,
    task: TaskNames = None,
    chosen: FilterOptions = NO_FILTER,
    limit: Limit = None,
    embed: Embed = True,
    embed_only: EmbedOnly = False,
    requests_per_minute: Annotated[
        float | None,
        typer.Option(
            min=0.001, max=1e9, help="Calls per minute to each model, by all workers together."
        ),
    ] = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Estimate what a run would cost, and how long it would take; nothing is written or paid for.

    Example: sightline estimate --asset-type utility_pole --requests-per-minute 600
    """
    state: State = context.obj
    options = {"engine": engine} if engine else None
    settings = state.settings(options)
    which = chosen.filter(limit)
    request = task_request(settings, which, tasks=task or (), embed=embed, embed_only=embed_only)

    async def estimated(warehouse: Warehouse) -> tuple[Estimate, PreviewedRun]:
        result = await run(warehouse, request, calls_per_minute=requests_per_minute)
        return result, await with_what_is_left_out(warehouse, request, result.preview)

    result, previewed = state.read(estimated, options)
    if as_json:
        print_json(estimate_json(result))
    else:
        print_estimate(result, previewed, settings)
