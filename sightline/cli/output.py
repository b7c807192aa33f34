"""How commands print: results to standard output, progress and remarks to standard error."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sightline.cli.characters import harmless_json, printable, printable_lines
from sightline.cli.program import as_typed
from sightline.cli.table_layout import in_blocks, in_columns


def print_json(value: object) -> None:
    """Print one JSON document, without characters that terminals interpret."""
    document = json.dumps(value, default=_plain, ensure_ascii=False, indent=2)
    sys.stdout.write(harmless_json(document) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def say(text: str = "") -> None:
    """Print a result, line by line."""
    sys.stdout.write(printable_lines(text) + "\n")


def remark(text: str) -> None:
    """Print a remark that is not part of the result."""
    sys.stderr.write(printable(as_typed(text)) + "\n")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, digits: int = 3
) -> None:
    """Print a plain table: text left-aligned, numbers right-aligned with ``digits`` decimals.

    On a terminal that is too narrow for its columns, each row is a block of lines.
    """
    if title:
        say(title)
    lines = [list(columns), *([_cell(value, digits) for value in row] for row in rows)]
    right = [
        bool(rows) and all(isinstance(row[index], int | float | None) for row in rows)
        for index in range(len(columns))
    ]
    text = in_columns(lines, right)
    width = shutil.get_terminal_size().columns
    if rows and sys.stdout.isatty() and max(map(len, text)) > width:
        text = list(in_blocks(lines, width))
    for line in text:
        say(line)


def _cell(value: object, digits: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.{digits}f}"
    return printable(str(value))


@contextmanager
def progress_bar(label: str, total: int | None) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar on a terminal, occasional lines elsewhere; yields ``update(done, total)``."""
    if not sys.stderr.isatty():
        with _progress_lines(label) as update:
            yield update
        return
    from rich.console import Console  # noqa: PLC0415 - rich is for terminals
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(label, total=total, speed="")

        def update(done: int, new_total: int | None) -> None:
            speed = bar.tasks[0].speed
            bar.update(
                task,
                completed=done,
                total=new_total or total,
                speed=f"{speed:,.0f}/s" if speed else "",
            )

        yield update


LINE_EVERY_S = 2.0


@contextmanager
def _progress_lines(label: str) -> Iterator[Callable[[int, int | None], None]]:
    last, last_line = time.monotonic(), ""

    def update(done: int, total: int | None) -> None:
        nonlocal last, last_line
        now = time.monotonic()
        line = f"{label}: {done:,}" + (f" of {total:,}" if total else "")
        if now - last >= LINE_EVERY_S and line != last_line:
            last, last_line = now, line
            remark(line)

    yield update
