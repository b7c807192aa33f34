"""The Typer application: the global options, and the commands in the table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline import __version__
from sightline.cli.grouped_help import GroupedHelp
from sightline.cli.program import started_with

USAGE_ERROR: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

app = typer.Typer(
    name="sightline",
    cls=GroupedHelp,
    help="Classify, embed and search street-level imagery.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with `sightline demo`, or `sightline import DIR`. Errors end with the next step.",
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"sightline {__version__}")
        raise typer.Exit


def _path(text: str) -> Path:
    if not text.strip():
        raise typer.BadParameter("it is empty, perhaps because a shell variable is not set")
    return Path(text)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            parser=_path,
            metavar="PATH",
            help="Settings file; default: ./sightline.toml, if present.",
        ),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(
            parser=_path, metavar="PATH", help="Folder of the local engine's data (.sightline)."
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and log more.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Classify, embed and search street-level imagery."""
    from sightline.cli.state import State  # noqa: PLC0415 - settings are slow to import; help is not

    started_with(config=config, home=home)
    context.obj = State(config=config, home=home, debug=debug)
