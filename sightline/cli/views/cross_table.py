"""Counts as tables: answers by one dimension, across another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sightline.analysis.group_keys import key_text
from sightline.ports import Dimension, Group

MOST_COLUMNS = 12
"""The most columns of a cross-table on a terminal; the others are counted together."""

OTHERS = "(others)"
ALL = "all"


def cross_table(
    by: Dimension, across: Dimension | None, groups: Sequence[Group], *, answers: int, top: int
) -> tuple[list[str], list[list[object]]]:
    """Return columns and rows: at most ``top`` rows, and one for the others together."""
    row_totals: Counter[Any] = Counter()
    column_totals: Counter[Any] = Counter()
    cells: Counter[tuple[Any, Any]] = Counter()
    for group in groups:
        row, column = group.keys[0], group.keys[1] if across else None
        row_totals[row] += group.answers
        column_totals[column] += group.answers
        cells[row, column] += group.answers
    top_rows = _in_order(by, row_totals, top)
    heads = _in_order(across, column_totals, MOST_COLUMNS) if across else []
    lines = [(key_text(by, row), [row]) for row in top_rows]
    hidden = [row for row in row_totals if row not in set(top_rows)]
    if hidden:
        lines.append((f"({len(hidden):,} others)", hidden))
    beyond = [column for column in column_totals if column not in set(heads)] if across else []
    rows: list[list[object]] = []
    for name, keys in lines:
        total = sum(row_totals[key] for key in keys)
        line: list[object] = [name]
        line += [sum(cells[key, head] for key in keys) for head in heads]
        if beyond:
            line.append(sum(cells[key, head] for key in keys for head in beyond))
        rows.append([*line, total, total / answers if answers else 0.0])
    columns = [key_text(across, head) for head in heads] if across else []
    return ["", *columns, *([OTHERS] if beyond else []), ALL, "share"], rows


def _in_order(dimension: Dimension, totals: Counter[Any], most: int) -> list[Any]:
    """Return the largest groups: months and numbers in their order, others largest first."""
    largest = [key for key, _ in totals.most_common(most)]
    ordered = dimension.kind == "month" or (
        dimension.field and dimension.field.type in {"integer", "number"}
    )
    if not ordered:
        return largest
    return sorted(largest, key=lambda key: (key is None, key if key is not None else 0))
