"""Where a live view appears: redrawn in place on a terminal, or as one JSON line each time."""

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
    """Draws the picture; ``ascii_only`` if the terminal has no block and line characters."""

    def __call__(self, *, ascii_only: bool) -> Text:
        """Return the picture."""
        ...


class Show(Protocol):
    """Updates a view."""

    def __call__(self, drawing: Drawing, plain: dict[str, Any]) -> None:
        """Show the drawing on a terminal, the plain values elsewhere."""
        ...


def is_drawn(*, as_json: bool) -> bool:
    """Return whether views are drawn: on a terminal, unless JSON is requested."""
    return sys.stdout.isatty() and not as_json


@contextmanager
def screen(*, as_json: bool) -> Iterator[Show]:
    """Yield a function that updates a view; the last picture stays."""
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
    """Print one JSON object on one line, in plain ASCII, and flush it."""
    sys.stdout.write(harmless_json(json.dumps(plain, default=str)) + "\n")
    sys.stdout.flush()


def print_nowhere() -> None:
    """Discard further output, since its reader has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
