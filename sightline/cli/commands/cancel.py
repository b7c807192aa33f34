"""``sightline cancel``: cancel a run, with its queued messages."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.cancel import cancelled_json, print_cancelled
from sightline.operations.cancel import cancel as run


def cancel(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(help="The run, as `sightline status` lists it.")],
    as_json: AsJson = False,
) -> None:
    """Cancel a run: its queued messages are dropped, and no further calls are paid for.

    Calls in flight end and their results are kept. Example: sightline cancel RUN
    """
    state: State = context.obj
    result = state.run(lambda engine: run(engine, run_id))
    print_json(cancelled_json(result)) if as_json else print_cancelled(result)
