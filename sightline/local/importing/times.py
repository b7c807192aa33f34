"""Reads times in tables: ISO 8601, numbers since 1970, days and months in either order.

The format of a column is decided before: see ``time_forms``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sightline.local.importing.arrays import decoded, one_by_one, true_indices
from sightline.local.importing.time_forms import (
    EPOCH_UNITS,
    ISO_8601,
    NUMBER,
    UNIT_NAMES,
    TimeForm,
)
from sightline.local.importing.values import FaultError

TIME = pa.timestamp("us", tz="UTC")
Refuse = Callable[[int, str], None]

_SECONDS_OF_DATETIME = (-62_135_596_800, 253_402_300_799)  # the years 1 to 9999
_SPREADSHEET_DAY = re.compile(r"[2-7]\d{4}([.,]\d+)?")
_ZONE = r"(?P<zone>Z|UTC|GMT|[-+]\d\d(?::?\d\d)?)?"
_ISO = re.compile(
    r"(?P<date>\d{4}-?W\d\d-?\d|\d{4}(?P<mark>[-/:.]?)\d\d(?P=mark)\d\d)"
    r"(?:(?:[T ] *|(?<=^\d{8})(?=\d{6}(?!\d)))"
    r"(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    rf" ?{_ZONE})?",
    re.IGNORECASE,
)
_CALENDAR = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[./-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})"
    r"(?:,?[T ] *(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<seconds>\d\d(?:[.,]\d+)?))?"
    rf" ?(?P<half>[AP]M)? ?{_ZONE})?",
    re.IGNORECASE,
)
_CALENDAR_LIKE = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2}(\d{2})?\b.*", re.DOTALL)


def time_texts(column: Any, refuse: Refuse) -> Any:
    """Return a column other than timestamps as texts, null if empty."""
    if pa.types.is_floating(column.type):
        digits = decoded(column.cast(pa.decimal128(38, 9), safe=False), refuse)
        return pc.replace_substring_regex(digits, r"\.?0{1,9}$", "")
    texts = pc.utf8_trim_whitespace(decoded(column, refuse))
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def times_of(texts: Any, form: TimeForm, refuse: Refuse) -> Any:
    """Return a column of texts as times in UTC; a time without a zone is in UTC."""
    if form.epoch_unit is not None:
        return _since_1970(texts, form.epoch_unit)
    if form == ISO_8601:
        try:
            times = pc.replace_substring_regex(texts, " ?UTC$", "Z").cast(TIME)
            if not pc.any(_is_beyond_datetime(times)).as_py():
                return times
        except pa.ArrowInvalid:
            pass  # at least one value has another format, or is not a time: found below
    return one_by_one(texts, TIME, lambda text: moment(text, form), refuse)


def instants_of(column: Any, refuse: Refuse) -> Any:
    """Return timestamps or dates in UTC; those beyond the years 1 to 9999 are refused."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms"))
    if column.type.unit != "ns":  # 64 bits of nanoseconds end in 2262
        is_beyond = _is_beyond_datetime(column)
        for index in true_indices(pc.fill_null(is_beyond, False)):
            count = column[index].value
            refuse(
                index,
                f"{count} {UNIT_NAMES[column.type.unit]} since 1970 is outside the years 1 to 9999",
            )
        column = pc.if_else(is_beyond, pa.scalar(None, column.type), column)
    naive = pa.timestamp("us", tz=column.type.tz)
    options = pc.CastOptions(naive, allow_time_truncate=True)
    return pc.cast(column, options=options).cast(TIME)


def _is_beyond_datetime(times: Any) -> Any:
    """Return which timestamps are outside the years 1 to 9999, the range of ``datetime``."""
    per_second = EPOCH_UNITS[times.type.unit]
    low, high = (bound * per_second for bound in _SECONDS_OF_DATETIME)
    counts = times.cast(pa.int64())
    return pc.or_(pc.less(counts, low), pc.greater(counts, high + per_second - 1))


def moment(text: str, form: TimeForm = ISO_8601) -> datetime | None:
    """Return the time that a text means; no zone means UTC.

    Raises:
        FaultError: it is not a time, or is ambiguous.
    """
    text = text.strip()
    if not text:
        return None
    match = _ISO.fullmatch(text)
    if form.pattern is not None and not (match and text[4] == "-"):
        return _of_pattern(text, form.pattern)
    try:
        if form.is_day_first is not None and (calendar := _CALENDAR.fullmatch(text)):
            return _of_calendar(calendar, is_day_first=form.is_day_first)
        if match:
            return _of_iso(match)
    except (ValueError, OverflowError) as error:
        raise FaultError(f"{text[:40]!r} is not a time: {error}") from error
    raise FaultError(_advice(text, form.highest))


def is_date_pattern(pattern: str) -> bool:
    """Return whether ``strptime`` accepts a pattern, and finds the day, month and year with it."""
    example = datetime(2024, 5, 13, 10, 30, tzinfo=UTC)
    try:
        read = datetime.strptime(example.strftime(pattern), pattern)  # noqa: DTZ007 - the date counts
    except (ValueError, re.error):
        return False
    return read.date() == example.date()


def _of_pattern(text: str, pattern: str) -> datetime:
    try:
        return _in_utc(datetime.strptime(text, pattern))  # noqa: DTZ007 - the zone follows
    except (ValueError, OverflowError) as error:
        raise FaultError(
            f"{text[:40]!r} does not fit --date-format {pattern!r}; correct it, or import again"
            " with the format of the column"
        ) from error


def _of_iso(match: re.Match[str]) -> datetime:
    date = match["date"]
    if match["mark"]:
        date = date.replace(match["mark"], "-")
    hour, minute, second = (match[name] or "00" for name in ("hour", "minute", "second"))
    fraction = (match["fraction"] or "0")[:6]
    is_midnight = (hour, minute, second, int(fraction)) == ("24", "00", "00", 0)
    text = f"{date}T{'00' if is_midnight else hour}:{minute}:{second}.{fraction:<06}"
    at = datetime.fromisoformat(text + _offset(match["zone"]))
    return _in_utc(at + timedelta(days=is_midnight))


def _of_calendar(match: re.Match[str], *, is_day_first: bool) -> datetime:
    day, month = int(match["first"]), int(match["second"])
    if not is_day_first:
        day, month = month, day
    hour, half = int(match["hour"] or 0), (match["half"] or "").upper()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("hour must be in 1..12 before AM and PM")
        hour = hour % 12 + (12 if half == "PM" else 0)
    seconds = float((match["seconds"] or "0").replace(",", "."))
    at = datetime.fromisoformat(
        f"{match['year']}-{month:02}-{day:02}T{hour:02}:{match['minute'] or '00'}:00"
        + _offset(match["zone"])
    )
    if seconds >= 60:
        raise ValueError("second must be in 0..59")
    return _in_utc(at + timedelta(seconds=seconds))


def _offset(zone: str | None) -> str:
    return zone if zone and zone[0] in "+-" else "+00:00"


def _in_utc(at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _advice(text: str, highest: tuple[int, int]) -> str:
    """Return why a text is not a time, and what the user can do.

    ``highest`` are the highest first and second numbers in the dates of its column.
    """
    shown = f"{text[:40]!r}"
    if _CALENDAR_LIKE.fullmatch(text):
        mark = re.sub(r"\d", "", text)[0]
        year = "%Y" if re.match(r"\d{1,2}.\d{1,2}.\d{4}", text) else "%y"
        rest = " %H:%M:%S" if text.count(":") > 1 else " %H:%M" if ":" in text else ""
        first, second = highest
        patterns = {"%d{0}%m{0}{1}{2}": second, "%m{0}%d{0}{1}{2}": first}
        fitting = [f"'{pattern.format(mark, year, rest)}'" for pattern, month in patterns.items()
                   if month <= 12]  # fmt: skip
        if not fitting:
            return (
                f"{shown} is in a column with days before months and months before days; write its"
                " times in ISO 8601"
            )
        what = "may be day or month first" if len(fitting) > 1 else "is not in ISO 8601"
        return f"{shown} {what}; import again with --date-format {' or '.join(fitting)}"
    if _SPREADSHEET_DAY.fullmatch(text):
        return f"{shown} is a spreadsheet's number of a day; format it as yyyy-mm-dd hh:mm:ss there"
    if re.fullmatch(NUMBER, text):
        return (
            f"{shown} is a number, and the column is not numbers of one unit since 1970, from 1980"
            " to 2100; write its times in ISO 8601"
        )
    return (
        f"{shown} is not a time in ISO 8601; write it so, or import again with --date-format, such"
        " as '%d.%m.%Y %H:%M'"
    )


def _since_1970(texts: Any, unit: str) -> Any:
    per_second = EPOCH_UNITS[unit]
    if pc.any(pc.match_substring(texts, ".")).as_py():
        micros = pc.round(pc.multiply(texts.cast(pa.float64()), 1e6 / per_second))
        return micros.cast(pa.int64()).cast(pa.timestamp("us")).cast(TIME)
    counts = texts.cast(pa.int64()).cast(pa.timestamp(unit))
    options = pc.CastOptions(pa.timestamp("us"), allow_time_truncate=True)
    return pc.cast(counts, options=options).cast(TIME)
