"""Surveys a table's texts: the decimal mark of its numbers, and the format of its times.

Both are decided for all rows before one is read, so that a column has one reading or is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sightline.local.importing.arrays import decoded
from sightline.local.importing.columns import (
    ColumnPath,
    CoordinateColumns,
    PointColumn,
    TableLayout,
)
from sightline.local.importing.report import Tally
from sightline.local.importing.table_files import TableFile
from sightline.local.importing.table_options import TableOptions
from sightline.local.importing.time_forms import TimeForm, TimeSurvey
from sightline.local.importing.times import time_texts
from sightline.local.importing.values import Numbers

TIMES = frozenset({"capture_time", "detection_time"})
_COMMA = r"^\s*[-+]?\d*,\d+\s*$"
_EITHER = r"^\s*[-+]?\d{1,3},\d{3}\s*$"
_POINT = r"^\s*[-+]?\d*\.\d+\s*$"


@dataclass(frozen=True, slots=True)
class Readings:
    """How to read a table's numbers and times, with notes for the user."""

    numbers: Numbers
    times: Mapping[str, TimeForm]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _DecimalMark:
    """The decimal marks in texts of numbers; ``example`` can only have a decimal comma."""

    example: str | None = None
    has_points: bool = False

    def look(self, texts: Any) -> None:
        has_comma = pc.match_substring_regex(texts, _COMMA)
        plain = pc.and_(has_comma, pc.invert(pc.match_substring_regex(texts, _EITHER)))
        if self.example is None and pc.any(plain).as_py():
            self.example = texts.filter(plain)[0].as_py()
        self.has_points |= bool(pc.any(pc.match_substring_regex(texts, _POINT)).as_py())


@dataclass(slots=True)
class _Survey:
    mark: _DecimalMark = field(default_factory=_DecimalMark)
    times: dict[str, TimeSurvey] = field(default_factory=dict)


def survey(table: TableFile, layout: TableLayout, options: TableOptions) -> Readings:
    """Return how to read the columns of a table; what the user specified is not surveyed.

    Raises:
        ConfigurationError: the file is truncated or cannot be read.
    """
    decimal = options.decimal
    numbers = [] if decimal else [at for at in _number_columns(layout) if _is_text(table, at)]
    places = {name: at for name in sorted(TIMES) if (at := layout.plain.get(name))}
    times = {
        name: at for name, at in places.items() if not _is_instant(table.schema.field(at.column))
    }
    looked_at = _look(table, numbers, times)
    notes = [*_lone_notes(table, places), *_unused_options(table, layout, looked_at, options)]
    mark = looked_at.mark
    if mark.example is not None and not mark.has_points:
        decimal = ","
        notes.append(f"numbers are read with a decimal comma, as in {mark.example!r}")
    if options.date_format is not None:
        forms = dict.fromkeys(times, TimeForm(pattern=options.date_format))
    else:
        forms = {name: seen.form() for name, seen in looked_at.times.items()}
        notes += [f"{name}: {text}" for name, seen in looked_at.times.items()
                  for text in _told(seen)]  # fmt: skip
    return Readings(Numbers(decimal or "."), forms, tuple(notes))


def _unused_options(
    table: TableFile, layout: TableLayout, looked_at: _Survey, options: TableOptions
) -> Iterator[str]:
    """Note the options of the user that have no effect on this table."""
    seen = looked_at.times.values()
    if options.date_format is not None and not any(times.needs_pattern for times in seen):
        yield "--date-format was not used: no time is written in another form than ISO 8601"
    if options.decimal is not None and not any(_is_text(table, at) for at in _numbers(layout)):
        yield "--decimal was not used: no number is written as text"


def _look(table: TableFile, numbers: list[ColumnPath], times: Mapping[str, ColumnPath]) -> _Survey:
    looked_at = _Survey(times={name: TimeSurvey() for name in times})
    needed = frozenset(at.column for at in (*numbers, *times.values()))
    if not needed:
        return looked_at
    for batch in table.batches(needed, Tally()):
        for at in numbers:
            looked_at.mark.look(decoded(at.take(batch.columns), _pass))
        for name, at in times.items():
            looked_at.times[name].look(time_texts(at.take(batch.columns), _pass))
    return looked_at


def _pass(index: int, detail: str) -> None:
    """Ignore a refusal, which the reading reports."""


def _told(seen: TimeSurvey) -> Iterator[str]:
    if note := seen.form().note():
        yield note
    if seen.lacks_zone:
        yield "times without a zone are read as UTC"


def _lone_notes(table: TableFile, places: Mapping[str, ColumnPath]) -> Iterator[str]:
    """Note what the types of time columns leave open."""
    for name, at in places.items():
        kind = table.schema.field(at.column).type
        if pa.types.is_timestamp(kind) and kind.tz is None:
            yield f"{name}: times without a zone are read as UTC"
        elif pa.types.is_date(kind):
            yield f"{name}: dates are read as midnight in UTC"


def _numbers(layout: TableLayout) -> Iterator[ColumnPath]:
    """Yield the columns that may hold numbers, alone or inside of other values."""
    yield from _number_columns(layout)
    yield from layout.whole.values()
    yield from (source.place for source in layout.positions if isinstance(source, PointColumn))


def _number_columns(layout: TableLayout) -> Iterator[ColumnPath]:
    for parts in layout.parts.values():
        yield from parts.values()
    for source in layout.positions:
        if isinstance(source, CoordinateColumns):
            yield from (source.x, source.y)


def _is_text(table: TableFile, at: ColumnPath) -> bool:
    kind = table.schema.field(at.column).type
    return any(
        is_kind(kind)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    )


def _is_instant(column: Any) -> bool:
    return bool(pa.types.is_timestamp(column.type) or pa.types.is_date(column.type))
