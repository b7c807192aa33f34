"""``sightline dead-letters``: the parts that were given up, and what to do about them."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.options import AsJson, RunId
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.dead_letters import (
    dead_letters_json,
    print_dead_letters,
    print_purge,
    print_replay,
    purge_json,
    replay_json,
)
from sightline.errors import ConfigurationError
from sightline.operations import dead_letters as operations
from sightline.operations.dead_letters import dead_letter_filter, list_dead_letters
from sightline.ports import DeadLetterFilter

app = typer.Typer(help="List, replay and purge dead letters.", no_args_is_help=True)

ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Only this reason, such as image_gone.")
]
Yes = Annotated[bool, typer.Option("--yes", help="All of them; no reason or run is needed.")]


@app.command("list")
def list_(
    context: typer.Context,
    reason: ReasonOption = None,
    run: RunId = None,
    limit: Annotated[int, typer.Option(help="The most to list.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first, with the reason of each."""
    state: State = context.obj
    result = state.read(
        lambda warehouse: list_dead_letters(warehouse, dead_letter_filter(reason, run), limit=limit)
    )
    print_json(dead_letters_json(result)) if as_json else print_dead_letters(result)


@app.command("replay")
def replay(
    context: typer.Context,
    reason: ReasonOption = None,
    run: RunId = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish dead letters again, each with only its failed part.

    Example: sightline dead-letters replay --reason image_gone
    """
    which = _named("replay", reason, run, yes=yes)
    state: State = context.obj
    result = state.run(lambda engine: operations.replay(engine, which))
    print_json(replay_json(result)) if as_json else print_replay(result)


@app.command("purge", short_help="Remove dead letters from the list.")
def purge(
    context: typer.Context,
    reason: ReasonOption = None,
    run: RunId = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove dead letters from the list; the balance still counts their parts as dead."""
    which = _named("purge", reason, run, yes=yes)
    state: State = context.obj
    result = state.run(lambda engine: operations.purge(engine, which))
    print_json(purge_json(result)) if as_json else print_purge(result)


def _named(verb: str, reason: str | None, run: str | None, *, yes: bool) -> DeadLetterFilter:
    if not (reason or run or yes):
        raise ConfigurationError(f"{verb} which? give --reason, --run, or --yes for all of them")
    return dead_letter_filter(reason, run)
