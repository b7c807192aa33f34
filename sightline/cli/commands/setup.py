"""``sightline setup``: makes the tables, views, topics and subscriptions that are missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.cli.making import Made

_WORDS = {"made": "made", "there": "there", "missing": "to be made", "differs": "DIFFERS"}


def setup(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be made; make nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the dataset, tables, views, topics and subscriptions that the settings name.

    What is there stays as it is. Example: sightline setup --dry-run
    """
    import asyncio

    from sightline.cli.cloud import has_cloud_queue, has_cloud_warehouse
    from sightline.cli.making import make_all

    state: State = context.obj
    settings = state.settings()
    if not (has_cloud_queue(settings) or has_cloud_warehouse(settings)):
        if as_json:
            print_json({"items": [], "commands": []})
        else:
            say("nothing to set up: the local engine makes its folders when it needs them")
            remark("next: `sightline import DIR`; `sightline init --engine gcp` is for the cloud")
        return
    with progress_bar("setting up", None) as update:
        made = asyncio.run(make_all(settings, dry_run=dry_run, on_progress=update))
    if as_json:
        print_json(asdict(made))
    else:
        _print(made, dry_run=dry_run)
    if any(one.state == "differs" for one in made.items):
        raise typer.Exit(1)


def _print(made: Made, *, dry_run: bool) -> None:
    for one in made.items:
        if one.state != "there":
            say(f"{_WORDS[one.state]:<10} {one.kind} {one.name}")
        for wrong in one.wrong:
            say(f"           {wrong}")
        if one.mend:
            say(f"           mend: {one.mend}")
    counts = {state: sum(one.state == state for one in made.items) for state in _WORDS}
    if dry_run:
        say(f"{counts['missing']:,} to be made, {counts['there']:,} there already")
    else:
        say(f"{counts['made']:,} made, {counts['there']:,} there already")
    if made.commands:
        say("so that Pub/Sub may forward dead letters, run once:")
        for command in made.commands:
            say(f"  {command}")
    remark("next: `sightline setup`" if dry_run else "next: `sightline doctor` checks it all")
