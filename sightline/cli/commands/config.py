"""``sightline config``: the settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, remark, say
from sightline.cli.settings_file import write_settings
from sightline.cli.state import State

app = typer.Typer(help="Make the settings file.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """Make the settings file."""


@app.command("from-stack")
def from_stack(
    context: typer.Context,
    outputs: Annotated[
        str, typer.Argument(help="A file of `pulumi stack output --json`; - is standard input.")
    ] = "",
    file: Annotated[Path, typer.Option(help="The file to write.")] = Path("sightline.toml"),
    stack: Annotated[str, typer.Option(help="The stack, when pulumi itself is asked.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the settings of what `pulumi up` made; without OUTPUTS, pulumi is asked for them.

    Example: sightline config from-stack --stack prod
    """
    from sightline.cli.stack_settings import read_outputs, settings_text

    state: State = context.obj
    state.check_output(file, may_be_settings=True)
    text = settings_text(read_outputs(outputs, stack)["settings"])
    written = write_settings(file, text, force=force)
    if as_json:
        print_json({"file": file, "written": written})
        return
    say(f"{file}: {'written' if written else 'there already, just so'}")
    named = "" if file.name == "sightline.toml" else f" --config {file}"
    remark(f"next: `sightline{named} setup`, and `sightline{named} doctor` checks it all")
