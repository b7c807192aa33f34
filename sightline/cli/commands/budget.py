"""``sightline budget``: show what a run may cost, and change it."""

from __future__ import annotations

from typing import Annotated

import typer

from producer.run_budget_editor import read_limits
from sightline.cli.options import AsJson, MaxCost, MaxImages
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.budget import print_run_budget, run_budget_json
from sightline.operations.budgets import change_budget, run_budget


def budget(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(help="The run, as `sightline status` lists it.")],
    max_cost: MaxCost = None,
    max_images: MaxImages = None,
    release: Annotated[
        bool,
        typer.Option(
            "--release",
            help="Release what killed workers reserved; no worker may be working on the run.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a run's budget: the limits, the spending, and what workers have reserved.

    Example: sightline budget RUN --max-cost 20
    """
    state: State = context.obj
    state.must_exist()
    limits = read_limits(max_cost, max_images)
    if limits or release:
        result = state.run(lambda engine: change_budget(engine, run_id, limits, release=release))
    else:
        result = state.read(lambda warehouse: run_budget(warehouse, run_id))
    print_json(run_budget_json(result)) if as_json else print_run_budget(result)
