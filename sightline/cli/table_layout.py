"""How a table is laid out: in columns or, if these are too wide, as one block of lines per row."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

_INDENT = "  "


def in_columns(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> Sequence[str]:
    """Return the lines of a table, headings first; ``right`` columns are aligned right."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return [_line(line, widths, right) for line in lines]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (
        cell.rjust(width) if is_right else cell.ljust(width)
        for cell, width, is_right in zip(cells, widths, right, strict=True)
    )
    return (_INDENT + "  ".join(aligned)).rstrip()


def in_blocks(lines: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Yield a line ``heading  value`` per cell of each row, broken between words at ``width``."""
    headings, *rows = lines
    indent = len(_INDENT) + max(map(len, headings)) + 2
    for number, row in enumerate(rows):
        if number:
            yield ""
        for heading, value in zip(headings, row, strict=True):
            start = f"{_INDENT}{heading}".ljust(indent)
            yield from textwrap.wrap(
                value,
                max(width, indent + 1),
                initial_indent=start,
                subsequent_indent=" " * indent,
                break_long_words=False,
                break_on_hyphens=False,
            ) or [start.rstrip()]
