"""Where a live view goes: on the terminal, drawn again in place, or a line of JSON each time."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sightline.cli.characters import harmless_json


class Drawing(Protocol):
    """Makes the picture, knowing whether the terminal has blocks and lines."""

    def __call__(self, *, ascii_only: bool) -> Text:
        """Return the picture."""
        ...


class Show(Protocol):
    """Shows a view once more."""

    def __call__(self, drawing: Drawing, plain: dict[str, Any]) -> None:
        """Show the drawing on a terminal, the plain values elsewhere."""
        ...


def is_drawn(*, as_json: bool) -> bool:
    """Return whether views are drawn: on a terminal, unless JSON is asked for."""
    return sys.stdout.isatty() and not as_json


@contextmanager
def screen(*, as_json: bool) -> Iterator[Show]:
    """Yield what shows a view; the last picture stays."""
    if not is_drawn(as_json=as_json):

        def tell(drawing: Drawing, plain: dict[str, Any]) -> None:  # noqa: ARG001 - of the terminal
            print_line(at(plain))

        yield tell
        return
    console = Console(highlight=False)
    with Live(
        console=console,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=sys.stderr.isatty(),
        vertical_overflow="ellipsis",
    ) as live:

        def show(drawing: Drawing, plain: dict[str, Any]) -> None:  # noqa: ARG001 - of the lines
            text = drawing(ascii_only=console.options.ascii_only)
            text.no_wrap, text.overflow = True, "ellipsis"
            live.update(text, refresh=True)

        yield show


def at(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the values with the time before them."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"at": now, **plain}


def print_line(plain: dict[str, Any]) -> None:
    """Print one JSON object on one line, in plain ASCII, at once."""
    sys.stdout.write(harmless_json(json.dumps(plain, default=str)) + "\n")
    sys.stdout.flush()


def print_nowhere() -> None:
    """Let what is still printed go nowhere, since nobody reads it any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
