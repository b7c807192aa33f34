"""Errors raised by the Python API name its arguments instead of the command line's options."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from sightline.errors import SightlineError

Class = TypeVar("Class", bound=type)

_OPTION = re.compile(r"--([a-z][a-z-]*)")
_COMMAND = re.compile(r"(`[^`]*`)")
_ARGUMENTS = {
    "answer": "answers",
    "bin": "bin_width",
    "column": "columns",
    "embed-only": "embed_only=True",
    "field": "fields",
    "force": "force=True",
    "format": "format_",
    "from": "since",
    "half-life": "half_life_days",
    "max-cost": "max_cost_usd",
    "new-type": "new_type=True",
    "no-embed": "embed=False",
    "task": "tasks",
}


def in_python(message: str) -> str:
    """Return a message with arguments in place of options; commands in backticks are kept."""
    return "".join(
        part if part.startswith("`") else _OPTION.sub(_argument, part)
        for part in _COMMAND.split(message)
    )


def _argument(option: re.Match[str]) -> str:
    return _ARGUMENTS.get(option[1], option[1].replace("-", "_"))


@contextmanager
def errors_in_python() -> Iterator[None]:
    """Rewrite the message of a ``SightlineError`` that is raised within."""
    try:
        yield
    except SightlineError as error:
        message, *others = error.args or ("",)
        error.args = (in_python(str(message)), *others)
        raise


def with_errors_in_python(api: Class) -> Class:
    """Rewrite the errors of every public coroutine method of a class."""
    for name in dir(api):
        method = getattr(api, name)
        if not name.startswith("_") and iscoroutinefunction(method):
            setattr(api, name, _wrapped(method))
    return api


def _wrapped(
    method: Callable[..., Coroutine[Any, Any, Any]],
) -> Callable[..., Coroutine[Any, Any, Any]]:
    @wraps(method)
    async def call(*positional: Any, **named: Any) -> Any:
        with errors_in_python():
            return await method(*positional, **named)

    return call
