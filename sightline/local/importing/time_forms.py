"""The formats of times in a table's column, which is surveyed as a whole before it is read.

One text may mean two days, and a number may count seconds or milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

EPOCH_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""The units of numbers that count from 1970, and how many of each are a second."""

EPOCH_SECONDS = (315_532_800, 4_102_444_800)
"""1980 to 2100: the years in which numbers of different units cannot be confused."""

UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
NUMBER = r"^[-+]?\d+(\.\d*)?$"
_DAY_AND_MONTH = r"^(?P<first>\d{1,2})[./-](?P<second>\d{1,2})[./-]\d\d"
_DASHED = r"^\d{4}-(\d\d-\d\d|W\d\d-\d)"
_HAS_ZONE = r"(?i)(Z|UTC|GMT)$|:\d\d([.,]\d+)?[-+]\d\d(:?\d\d)?$|[T ]\d{4,6}[-+]\d\d(:?\d\d)?$"


@dataclass(frozen=True, slots=True)
class TimeForm:
    """The format of a column's texts: at most one of these is set.

    ``epoch_unit`` is one of ``EPOCH_UNITS``; ``is_day_first`` is whether the day is before the
    month; ``pattern`` is for ``strptime``. If none is set, texts are ISO 8601. ``highest`` are the
    highest first and second numbers in the column's dates, such as 31 and 12.
    """

    epoch_unit: str | None = None
    is_day_first: bool | None = None
    pattern: str | None = None
    highest: tuple[int, int] = field(default=(0, 0), compare=False)

    def note(self) -> str | None:
        """Return a note for the user on how the column was read."""
        if self.epoch_unit is not None:
            return f"numbers are read as {UNIT_NAMES[self.epoch_unit]} since 1970"
        if self.is_day_first is not None:
            first = "day before the month" if self.is_day_first else "month before the day"
            return f"dates are read with the {first}"
        return None


ISO_8601 = TimeForm()


class TimeSurvey:
    """Examines all texts of a column before it is read, and decides its format."""

    def __init__(self) -> None:
        self._units: set[str | None] = set()
        self._most = (0, 0)
        self._has_numbers = self._has_calendar = self._has_others = False
        self.lacks_zone = False
        self.needs_pattern = False

    def look(self, texts: Any) -> None:
        """Examine a batch of texts, null if empty."""
        texts = pc.drop_null(texts)
        is_dashed = pc.match_substring_regex(texts, _DASHED)
        self.needs_pattern |= pc.all(is_dashed).as_py() is False
        is_number = pc.and_(
            pc.match_substring_regex(texts, NUMBER),
            pc.invert(pc.match_substring_regex(texts, r"^\d{8}$|^(19|20)\d{12}$")),
        )
        numbers = texts.filter(is_number)
        if len(numbers):
            self._has_numbers = True
            self._units |= _units(numbers.cast(pa.float64()))
        others = texts.filter(pc.invert(is_number))
        if not len(others):
            return
        self.lacks_zone |= not pc.all(pc.match_substring_regex(others, _HAS_ZONE)).as_py()
        parts = pc.extract_regex(others, _DAY_AND_MONTH)
        has_year = pc.match_substring_regex(others, _DAY_AND_MONTH + r"\d\d\b")
        self._has_others |= not pc.all(pc.and_(pc.is_valid(parts), has_year)).as_py()
        parts = pc.drop_null(parts)
        if len(parts):
            self._has_calendar = True
            highest = (pc.max(column.cast(pa.int64())).as_py() for column in parts.flatten())
            first, second = (max(pair) for pair in zip(self._most, highest, strict=True))
            self._most = first, second

    def form(self) -> TimeForm:
        """Return how the whole column is read."""
        return replace(self._form(), highest=self._most)

    def _form(self) -> TimeForm:
        if self._has_numbers and not (self._has_calendar or self._has_others):
            (unit, *more) = self._units
            return TimeForm(epoch_unit=None if more else unit)
        if self._has_calendar and not (self._has_numbers or self._has_others):
            first, second = self._most
            if (first > 12) != (second > 12):
                return TimeForm(is_day_first=first > 12)
        return ISO_8601


def _units(numbers: Any) -> set[str | None]:
    """Return the units in which numbers may count from 1970; ``None`` if a number fits no unit."""
    units: set[str | None] = set()
    rest = numbers
    for unit, per_second in EPOCH_UNITS.items():
        low, high = (bound * per_second for bound in EPOCH_SECONDS)
        is_of_unit = pc.and_(pc.greater_equal(rest, float(low)), pc.less(rest, float(high)))
        if pc.any(is_of_unit).as_py():
            units.add(unit)
            rest = rest.filter(pc.invert(is_of_unit))
    return units | {None} if len(rest) else units
