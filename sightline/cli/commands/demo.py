"""``sightline demo``: the whole job on rendered scenes, from images to search, on one machine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.showcase import report, run
from sightline.cli.state import State


def demo(
    context: typer.Context,
    directory: Annotated[
        Path,
        typer.Option("--dir", help="The folder of the demo; an earlier demo in it is replaced."),
    ] = Path("demo"),
    scenes: Annotated[int, typer.Option(help="How many scenes to render.", min=1)] = 1200,
    workers: Annotated[int, typer.Option(help="How many worker processes.", min=1, max=64)] = 2,
    seed: Annotated[int, typer.Option(help="Other seeds render other scenes.", min=0)] = 2026,
    as_json: AsJson = False,
) -> None:
    """Render a street, import it, enqueue a run, process it, and search it.

    No account and no network. Example: sightline demo --scenes 300
    """
    state: State = context.obj
    state.check_output(directory)
    settings = replace(state.settings(), home=directory.absolute() / ".sightline")
    outcome = asyncio.run(
        run(settings, directory.absolute(), scenes=scenes, workers=workers, seed=seed)
    )
    if as_json:
        print_json(outcome.as_dict())
    else:
        report(outcome, directory)
