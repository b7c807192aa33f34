"""``sightline status``: the state of every part of every run."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.options import AsJson, RunId
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views import status as views
from sightline.operations import status as operations

EXIT_UNBALANCED = 1


def status(
    context: typer.Context,
    run: RunId = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 unless every run's account balances.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh every two seconds, until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the balance of every run: each part is in exactly one state.

    Example: sightline status --check --json
    """
    state: State = context.obj
    state.must_exist()
    if watch:
        if check:
            raise typer.BadParameter("--check looks once; leave out --watch")
        _watch(state, run, as_json=as_json)
        return
    result = state.run(lambda engine: operations.status(engine, run, check=check))
    if as_json:
        print_json(views.status_json(result))
    else:
        views.print_status(result, state.settings())
    if check and not result.holds:
        if not as_json:
            views.remark_unbalanced(result)
        raise typer.Exit(EXIT_UNBALANCED)


def _watch(state: State, run_id: str | None, *, as_json: bool) -> None:
    from sightline.cli.watching.screen import screen  # noqa: PLC0415 - rich
    from sightline.cli.watching.status_watch import watch_status  # noqa: PLC0415 - rich

    with screen(as_json=as_json) as show:
        state.run(lambda engine: watch_status(show, lambda: operations.look(engine, run_id)))
