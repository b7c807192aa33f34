"""What is wrong with a command as typed: an option, its value, and what it accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from pydantic import ValidationError
from typer.main import get_group

from sightline.cli.app import app
from sightline.cli.lazy_command import LazyCommand

_EXTRA = re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((?P<words>.*)\)", re.DOTALL)


def usage_error(error: Any, arguments: Sequence[str]) -> str:
    """Return what is wrong with these arguments, and where the command's options are listed.

    ``error`` is one of Click's usage errors; without a context, it is about an option's value.
    """
    command, path = _typed_command(arguments)
    if error.ctx is not None:
        command, path = error.ctx.command, error.ctx.command_path
    root = get_group(app).params
    name = getattr(error, "option_name", "")
    if type(error).__name__ == "NoSuchOption" and any(name in param.opts for param in root):
        return f"{name} goes before the command; see `sightline --help`"
    if type(error).__name__ == "NoSuchOption" and path == "sightline":
        return (
            f"{name} is no option here; options of a command follow its name: see `{path} --help`"
        )
    return f"{_complaint(error, command)}; see `{path} --help`"


def _typed_command(arguments: Sequence[str]) -> tuple[Any, str]:
    """Return the command that these arguments name, and its path."""
    command: Any = get_group(app)
    path = "sightline"
    for word in arguments:
        named = getattr(command, "commands", {}).get(word)
        if named is not None:
            command = named.load() if isinstance(named, LazyCommand) else named
            path = f"{path} {word}"
    return command, path


def _complaint(error: Any, command: Any) -> str:
    if isinstance(error.__cause__, ValidationError):
        value = shlex.quote(str(error.__cause__.errors()[0]["input"]))
        return f"{_name(error.param)} {value} is not accepted; give {_accepted(error.param)}"
    if type(error).__name__ == "BadParameter":
        message: str = error.message.rstrip(".")
        return f"{_name(error.param)}: {message}; give another" if error.param else message
    if type(error).__name__ == "BadOptionUsage":
        names = {name: param for param in command.params for name in param.opts}
        option = names.get(error.option_name)
        if option is not None and not option.is_flag:
            return f"{error.option_name} needs a value; give {_accepted(option)}"
    whole: str = error.format_message()
    if match := _EXTRA.fullmatch(whole):
        return _surplus(match["words"], command)
    return whole.rstrip(".")


def _name(param: Any) -> str:
    name: str = param.opts[0]
    return name


def _surplus(words: str, command: Any) -> str:
    """Return what is wrong with arguments after those that a command takes."""
    helps = [param.help for param in command.params if type(param).__name__.endswith("Argument")]
    given = ", then ".join(text[0].lower() + text[1:].rstrip(".") for text in helps if text)
    shown = shorten(words, 60, placeholder=" ...")
    if not given:
        return f"{shown} is too much; give nothing"
    if Path(words.partition(" ")[0]).exists():
        return (
            f"{shown} is too much, as the shell puts all files in place of a pattern such as *.jpg;"
            f" give {given}"
        )
    return f"{shown} is too much; give {given}, in quotes if it has spaces"


def _accepted(param: Any) -> str:
    """Return what a parameter accepts."""
    choices, kind = param.type_descriptor.choices, param.type_descriptor.annotation
    if choices is not None:
        return f"one of {', '.join(map(str, choices))}"
    if kind not in {int, float}:
        return "one"
    what = "a whole number" if kind is int else "a number"
    least, most = (None if n is None else _written(n) for n in (param.min, param.max))
    if most is None:
        return what if least is None else f"{what}, {least} or more"
    return f"{what} from {least} to {most}"


def _written(number: float) -> str:
    """Return a number without an exponent."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.9f}".rstrip("0").rstrip(".")
