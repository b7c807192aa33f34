"""``sightline config``: the settings file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.settings_files import print_stack_settings, stack_settings_json
from sightline.operations.settings_files import write_stack_settings
from sightline.operations.stack_settings import outputs_of_file, outputs_of_pulumi

STDIN = "-"

app = typer.Typer(help="Create the settings file.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """Create the settings file."""


@app.command("from-stack", short_help="Write the settings for what `pulumi up` created.")
def from_stack(
    context: typer.Context,
    outputs: Annotated[
        str, typer.Argument(help="A file of `pulumi stack output --json`; - is standard input.")
    ] = "",
    file: Annotated[Path, typer.Option(help="The file to write.")] = Path("sightline.toml"),
    stack: Annotated[
        str, typer.Option(help="The stack whose outputs are read; default: the selected one.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the settings for what `pulumi up` created; without OUTPUTS, pulumi is run for them.

    Example: sightline config from-stack --stack prod
    """
    state: State = context.obj
    state.check_output(file, may_be_settings=True)
    text, where = _outputs(outputs, stack)
    result = write_stack_settings(file, text, where, force=force)
    print_json(stack_settings_json(result)) if as_json else print_stack_settings(result)


def _outputs(named: str, stack: str) -> tuple[str, str]:
    """Return the outputs and their name for messages: a file, standard input, or pulumi's own."""
    if named == STDIN:
        return sys.stdin.read(), "standard input"
    if named:
        return outputs_of_file(Path(named)), named
    return outputs_of_pulumi(stack), "pulumi stack output"
