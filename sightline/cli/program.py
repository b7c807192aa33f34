"""How this program was started, so that printed commands can be typed in the same shell."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

NAME = "sightline"
_COMMAND = re.compile(rf"(?:(?<=`)|^){NAME} (?P<rest>[^`]*)")
"""A command in a message is in backticks, or is the whole message."""

_where: list[str] = []


def started_with(*, config: Path | None, home: Path | None) -> None:
    """Record the project options of this invocation; printed commands repeat them."""
    _where.clear()
    for option, path in (("--config", config), ("--home", home)):
        if path is not None:
            _where.extend((option, str(path)))


def as_typed(text: str) -> str:
    """Return a message whose commands begin with the name that starts this program here."""
    return _COMMAND.sub(_typed, text)


def _typed(command: re.Match[str]) -> str:
    rest = command["rest"]
    named = rest.startswith(("--config", "--home")) or rest.endswith("--help")
    where = "" if named or not _where else f"{shlex.join(_where)} "
    return f"{program()} {where}{rest}"


@cache
def program() -> str:
    """Return the command that stands for ``sightline`` in the shell that started this process."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py" and started.parent.name == NAME:
        return NAME if _is_ours(shutil.which(NAME)) else f"{_shown(Path(sys.executable))} -m {NAME}"
    if started.name != NAME or _is_ours(shutil.which(NAME)):
        return NAME  # imported as a library, or on the path
    return _shown(started)


def _is_ours(on_path: str | None) -> bool:
    """Return whether the command on the path belongs to this environment."""
    return on_path is not None and Path(on_path).absolute().parent == Path(sys.executable).parent


def _shown(path: Path) -> str:
    """Return the shortest form of a path for typing."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - a link of an environment is not followed
    relative = os.path.relpath(absolute)
    shortest = absolute if relative.startswith("..") else relative
    return shlex.quote(shortest if os.sep in shortest else f".{os.sep}{shortest}")
