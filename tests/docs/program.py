"""The command line as data: its commands, their options, and a parse that runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from typer.main import get_command

from sightline.cli.app import USAGE_ERROR, app
from sightline.cli.lazy_command import LazyCommand

ROOT: Any = get_command(app)
ON_PARSING = {"--install-completion", "--show-completion"}
"""Options that do what they say while they are parsed: the first changes files of the user."""


@cache
def commands() -> dict[str, Any]:
    """Return every command by what is typed, the program itself included."""
    return dict(_walk(ROOT, "sightline"))


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(command, LazyCommand):
        command = command.load()
    inner = getattr(command, "commands", None)
    if inner is None or command is ROOT:
        yield path, command
    for name, inner_command in (inner or {}).items():
        yield from _walk(inner_command, f"{path} {name}")


def groups() -> dict[str, list[str]]:
    """Return the names of the commands by the group in which the help lists them."""
    by_group: dict[str, list[str]] = {}
    for name, command in ROOT.commands.items():
        by_group.setdefault(command.rich_help_panel, []).append(name)
    return by_group


def spellings(command: Any) -> set[str]:
    """Return a command's options as the page spells them, and its arguments in capitals."""
    spelled = set()
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            spelled.add(parameter.name.upper())
        elif "--help" not in parameter.opts:
            spelled.add(" / ".join([*parameter.opts, *parameter.secondary_opts]))
    return spelled


def complaint(arguments: Sequence[str]) -> str:
    """Return why these arguments cannot be parsed; empty when they can. Nothing is run."""
    if ON_PARSING.intersection(arguments[:1]):
        return ""
    command, context, name, left = ROOT, None, "sightline", list(arguments)
    try:
        while True:
            context = command.make_context(name, list(left), parent=context)
            command = context.command
            if not hasattr(command, "commands"):
                return ""
            rest = [*getattr(context, "_protected_args", []), *context.args]
            name, command, left = command.resolve_command(context, rest)
    except USAGE_ERROR as error:
        return str(error.format_message())  # type: ignore[attr-defined]  # every one has it
    except Exception as error:
        if type(error).__name__ == "Exit":  # --help and --version print, and end
            return ""
        raise
