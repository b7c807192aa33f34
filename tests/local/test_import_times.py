"""Times and numbers of imported tables: read right, noted where found out, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # no stubs among our dependencies
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import ConfigurationError
from sightline.local.importing.time_forms import EPOCH_UNITS, ISO_8601, TimeForm, TimeSurvey
from sightline.local.importing.times import moment, times_of
from sightline.local.importing.values import FaultError
from tests.local.imports import reasons
from tests.local.tables import Folder, csv_of, needed

HALF_PAST_TEN = datetime(2024, 5, 1, 10, 30, tzinfo=UTC)
NOW_S = 1_714_559_400  # half past ten


def last_day(year: int) -> datetime:
    """The last day of a year, without a zone."""
    return datetime(year, 12, 31, tzinfo=UTC).replace(tzinfo=None)


def times(folder: Folder) -> list[datetime | None]:
    """The capture times, in the order of the rows' ids."""
    rows = sorted(folder.rows(), key=lambda row: row["observation_id"])
    return [row["capture_time"] for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T10:30:00Z",
        "2024-05-01 10:30:00",
        "2024-05-01 10:30:00.000000 UTC",
        "2024-05-01T10:30Z",
        "20240501T103000Z",
        "20240501103000Z",
        "20240501103000",
        "2024-05-01T12:30:00+02:00",
        "2024-05-01T12:30:00+0200",
        "2024-05-01T12:30:00+02",
        "2024-05-01T10:30:00,0Z",
        "2024-W18-3T10:30",
        "2024W183T1030",
        "2024:05:01 10:30:00",
        "2024/05/01 10:30",
        "2024.05.01 10:30",
        "2024-05-01 10:30:00 GMT",
        "2024-05-01t10:30:00z",
    ],
)
def test_a_time_of_iso_8601_is_read_right(folder: Folder, text: str) -> None:
    assert folder.load(csv_of("capture_time", text)).refused_count == 0
    assert times(folder) == [HALF_PAST_TEN]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
        ("20240501", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-W18-3", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-01T24:00", datetime(2024, 5, 2, tzinfo=UTC)),
        ("2024-12-31 24:00:00", datetime(2025, 1, 1, tzinfo=UTC)),
        ("9999-12-31 00:00:00", datetime(9999, 12, 31, tzinfo=UTC)),
        ("2024-05-01T10:30:00.123456789Z", HALF_PAST_TEN.replace(microsecond=123456)),
    ],
)
def test_days_weeks_and_midnight_are_read_right(
    folder: Folder, text: str, expected: datetime
) -> None:
    folder.load(csv_of("capture_time", text))
    assert times(folder) == [expected]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2024-05-01x10:30", "is not a time in ISO 8601"),
        ("2024050110300", "is a number"),
        ("202405011030", "is a number"),
        ("2024-05-01T24:01", "hour must be in"),
        ("2024-05-01T10:30:60Z", "second must be in"),
        ("2024-13-01", "month must be in"),
        ("2024-05-01-02", "is not a time"),
        ("01.05.24", "--date-format '%d.%m.%y' or '%m.%d.%y'"),
        ("01.05.2024 10:30", "--date-format '%d.%m.%Y %H:%M' or '%m.%d.%Y %H:%M'"),
        ("5/1/2024", "--date-format '%d/%m/%Y' or '%m/%d/%Y'"),
        ("45413.4375", "is a spreadsheet's number of a day"),
        ("45413", "is a spreadsheet's number of a day"),
        ("10:30", "is not a time"),
        ("1 May 2024", "--date-format"),
        ("2024-05-01 10:30 Europe/Amsterdam", "is not a time"),
        ("0001-01-01T00:00:00+02:00", "is not a time"),
    ],
)
def test_what_is_no_time_or_may_be_two_is_refused_with_what_to_do(
    folder: Folder, text: str, says: str
) -> None:
    report = folder.load(csv_of("capture_time", text, "2024-05-01T10:30:00Z"))
    assert reasons(report) == [("row 2", "bad_time")]
    assert says in report.refusals[0].detail
    assert times(folder) == [HALF_PAST_TEN]


@pytest.mark.parametrize("unit", EPOCH_UNITS)
@pytest.mark.parametrize("kind", ["csv", "integers", "floats"])
def test_numbers_since_1970_are_taken_by_their_magnitude_and_noted(
    folder: Folder, unit: str, kind: str
) -> None:
    numbers = [(NOW_S + 60 * n) * EPOCH_UNITS[unit] for n in range(2)]
    if kind == "csv":
        report = folder.load(csv_of("capture_time", *map(str, numbers), ""))
    else:
        as_kind = pa.float64() if kind == "floats" else pa.int64()
        report = folder.load_columns(
            {"capture_time": pa.array([*map(float, numbers), None]).cast(as_kind)}
        )
    assert times(folder) == [HALF_PAST_TEN, HALF_PAST_TEN + timedelta(minutes=1), None]
    name = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[unit]
    assert [note.text for note in report.notes] == [
        f"capture_time: numbers are read as {name} since 1970"
    ]


def test_seconds_may_have_a_fraction(folder: Folder) -> None:
    folder.load(csv_of("capture_time", f"{NOW_S}.125"))
    folder.load_columns({"capture_time": [NOW_S + 0.125]})
    assert times(folder) == [HALF_PAST_TEN.replace(microsecond=125_000)]


@pytest.mark.parametrize(
    "texts",
    [
        (str(NOW_S), f"{NOW_S}000"),  # seconds and milliseconds
        (str(NOW_S), "0"),
        (str(NOW_S), "2024-05-01T10:30:00Z"),
        (f"{NOW_S}000", "-1"),
    ],
)
def test_a_column_of_numbers_is_read_as_a_whole_or_not_at_all(
    folder: Folder, texts: tuple[str, ...]
) -> None:
    report = folder.load(csv_of("capture_time", *texts))
    refused = [("row 2", "bad_time"), ("row 3", "bad_time")]
    assert reasons(report) == refused[: 1 if "T" in texts[1] else 2]
    assert report.notes == () or "zone" in report.notes[0].text


def test_an_outlier_far_into_a_column_is_seen_before_the_first_row_is_read(folder: Folder) -> None:
    count = 40_000  # more than one batch
    numbers = pa.array([NOW_S] * (count - 1) + [NOW_S * 1000])
    report = folder.load_columns({"capture_time": numbers})
    assert (report.imported, report.refused_by_reason) == (0, {"bad_time": count})


@given(st.datetimes(last_day(1980), last_day(2098)), st.sampled_from([*EPOCH_UNITS]))
@settings(max_examples=60, deadline=None)
def test_any_number_of_these_years_comes_back(naive: datetime, unit: str) -> None:
    seconds = int(naive.replace(tzinfo=UTC).timestamp())
    texts = pa.array([str(seconds * EPOCH_UNITS[unit])])
    survey = TimeSurvey()
    survey.look(texts)
    (read,) = times_of(texts, survey.form(), lambda *_: None).to_pylist()
    assert read == datetime.fromtimestamp(seconds, UTC)


@given(st.datetimes(last_day(1), last_day(9998)), st.timezones())
@settings(max_examples=60, deadline=None)
def test_any_time_in_iso_8601_comes_back(naive: datetime, zone: Any) -> None:
    local = naive.replace(tzinfo=zone)
    offset = local.utcoffset() or timedelta()
    if offset % timedelta(minutes=1):
        return  # ISO 8601 has no seconds in offsets
    assert moment(local.isoformat()) == local.astimezone(UTC)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_time_or_is_refused(text: str) -> None:
    for form in (ISO_8601, TimeForm(is_day_first=True), TimeForm(pattern="%d.%m.%Y")):
        try:
            read = moment(text, form)
        except FaultError:
            continue
        assert (read is None) == (not text.strip())


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (("31.12.2024 10:30", "01.05.2024 10:30"), "day before the month"),
        (("31/12/2024 10:30:00", "1/5/2024 10:30:00"), "day before the month"),
        (("12/31/2024 10:30 AM", "5/1/2024 10:30 am"), "month before the day"),
        (("12/31/2024, 10:30:00 AM", "05/01/2024, 10:30:00 AM"), "month before the day"),
    ],
)
def test_an_order_of_day_and_month_that_one_row_proves_is_taken_and_noted(
    folder: Folder, texts: tuple[str, str], note: str
) -> None:
    report = folder.load(csv_of("capture_time", *(f'"{text}"' for text in texts)))
    assert times(folder) == [datetime(2024, 12, 31, 10, 30, tzinfo=UTC), HALF_PAST_TEN]
    assert f"dates are read with the {note}" in report.notes[0].text


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("01.05.2024", "02.05.2024"), "--date-format '%d.%m.%Y' or '%m.%d.%Y'"),
        (("31.12.2024", "12.31.2024"), "days before months and months before days"),
        (("31.12.2024", "x"), "import again with --date-format '%d.%m.%Y'"),
        (("01.05.24", "13.05.24"), "import again with --date-format '%d.%m.%y'"),
        (("1/5/24 10:30", "1/31/24 10:30"), "import again with --date-format '%m/%d/%y %H:%M'"),
    ],
)
def test_an_order_that_is_not_proven_is_asked_about_with_formats_that_fit_all_rows(
    folder: Folder, texts: tuple[str, str], says: str
) -> None:
    report = folder.load(csv_of("capture_time", *texts))
    assert reasons(report) == [("row 2", "bad_time"), ("row 3", "bad_time")]
    first = report.refusals[0].detail
    assert says in first
    assert ("' or '" in first) == ("' or '" in says)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%d.%m.%Y %H:%M", "01.05.2024 10:30"),
        ("%m/%d/%y %I:%M %p", "05/01/24 10:30 AM"),
        ("%d %B %Y %H:%M", "1 May 2024 10:30"),
        ("%d.%m.%Y %H:%M %z", "01.05.2024 12:30 +0200"),
        ("%d.%m.%Y", "2024-05-01T10:30:00Z"),  # unmistakable, whatever the format
    ],
)
def test_a_given_format_is_used(folder: Folder, pattern: str, text: str) -> None:
    report = folder.load(csv_of("capture_time", text), date_format=pattern)
    assert (report.refused_count, times(folder)) == (0, [HALF_PAST_TEN])


def test_what_a_given_format_does_not_fit_is_refused(folder: Folder) -> None:
    report = folder.load(csv_of("capture_time", "05/31/2024"), date_format="%d/%m/%Y")
    assert reasons(report) == [("row 2", "bad_time")]
    assert report.refusals[0].detail.startswith(
        "capture_time: '05/31/2024' does not fit --date-format '%d/%m/%Y'; correct it"
    )


@pytest.mark.parametrize(
    "pattern", ["dd.mm.yyyy", "%Q", "%d.%m", "%H:%M", "%d.%d.%Y", "%d.%m.%Y %", ""]
)
def test_a_format_that_finds_no_date_is_an_error(folder: Folder, pattern: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--date-format '.*' is invalid; give day, month"):
        folder.load(csv_of("capture_time", "1"), date_format=pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%d.%m.%Y", "2024-05-01T10:30:00Z"),
        ("%Y-%j %H:%M", "2024-122 10:30"),
        ("%x %X", "05/01/24 10:30:00"),
    ],
)
def test_a_format_that_no_time_needs_is_noted(folder: Folder, pattern: str, text: str) -> None:
    report = folder.load(csv_of("capture_time", text), date_format=pattern)
    is_noted = any("--date-format was not used" in note.text for note in report.notes)
    assert (report.imported, is_noted) == (1, text.endswith("Z"))


def test_a_format_or_a_mark_for_a_column_that_needs_none_is_noted(folder: Folder) -> None:
    columns = {"capture_time": [HALF_PAST_TEN], "lat": [52.5], "lon": [4.5]}
    report = folder.load_columns(columns, date_format="%d.%m.%Y", decimal=",")
    assert [note.text for note in report.notes] == [
        "--date-format was not used: no time is written in another form than ISO 8601",
        "--decimal was not used: no number is written as text",
    ]


def test_a_mark_that_cannot_be_meant_is_an_error(folder: Folder) -> None:
    with pytest.raises(ConfigurationError, match="--decimal ';' is invalid"):
        folder.load(csv_of("lat;lon", "1;2"), decimal=";")


@pytest.mark.parametrize("as_int96", [True, False])
def test_times_beyond_2262_do_not_wrap(folder: Folder, as_int96: bool) -> None:
    far = [last_day(9999), last_day(1), last_day(2024)]
    table = pa.table({**needed(3), "capture_time": pa.array(far, pa.timestamp("us"))})
    pq.write_table(table, folder.root / "t.parquet", use_deprecated_int96_timestamps=as_int96)
    report = folder.load_file(folder.root / "t.parquet")
    assert times(folder) == [day.replace(tzinfo=UTC) for day in far]
    assert [note.text for note in report.notes] == [
        "capture_time: times without a zone are read as UTC"
    ]


@pytest.mark.parametrize(
    ("kind", "number"),
    [("s", 2**62), ("ms", 2**62), ("us", 2**62), ("s", -(2**60)), ("us", -(2**62))],
)
def test_a_timestamp_of_no_year_to_9999_is_refused(folder: Folder, kind: str, number: int) -> None:
    column = pa.array([number, 0], pa.int64()).view(pa.timestamp("us"))
    table = pa.table({**needed(2), "capture_time": column})
    if kind != "us":
        table = table.set_column(
            3, "capture_time", column.view(pa.int64()).view(pa.timestamp(kind))
        )
    from sightline.local.importing.times import instants_of

    refused: list[int] = []
    read = instants_of(
        table.column("capture_time").combine_chunks(), lambda index, _: refused.append(index)
    )
    assert refused == [0]
    assert read.to_pylist() == [None, datetime(1970, 1, 1, tzinfo=UTC)]


def test_columns_of_dates_are_midnight_and_noted(folder: Folder) -> None:
    report = folder.load_columns({"capture_time": pa.array([date(2024, 5, 1)])})
    assert times(folder) == [datetime(2024, 5, 1, tzinfo=UTC)]
    assert report.notes[0].text == "capture_time: dates are read as midnight in UTC"


def test_times_with_a_zone_need_no_note(folder: Folder) -> None:
    column = pa.array([HALF_PAST_TEN + timedelta(hours=0)], pa.timestamp("ns", "Europe/Amsterdam"))
    assert folder.load_columns({"capture_time": column}).notes == ()
    assert times(folder) == [HALF_PAST_TEN]
    assert folder.load(csv_of("capture_time", "2024-05-01T12:30:00+02:00")).notes == ()


def test_times_without_a_zone_are_noted(folder: Folder) -> None:
    report = folder.load(csv_of("capture_time", "2024-05-01 10:30:00", "2024-05-01T10:30:00Z"))
    assert [note.text for note in report.notes] == [
        "capture_time: times without a zone are read as UTC"
    ]


def test_times_as_pandas_writes_them_are_read_right(folder: Folder) -> None:
    frame = pd.DataFrame({**needed(2), "capture_time": pd.to_datetime([HALF_PAST_TEN, None])})
    frame.to_csv(folder.root / "t.csv", index=False)
    folder.load_file(folder.root / "t.csv")
    assert times(folder) == [HALF_PAST_TEN, None]


@pytest.mark.parametrize("cells", [("52,3702;4,8952", "52,5;4,125"), ("52,37;4,895", ";")])
def test_a_decimal_comma_that_one_row_proves_is_taken_and_noted(
    folder: Folder, cells: tuple[str, ...]
) -> None:
    report = folder.load(csv_of("lat;lon", *cells))
    assert report.refused_count == 0
    assert all(at == (None, None) or 52 < at[0] < 53 for at in folder.positions())  # type: ignore[operator]  # both or neither
    assert "numbers are read with a decimal comma, as in '" in report.notes[0].text


def test_a_comma_that_may_stand_between_thousands_is_asked_about(folder: Folder) -> None:
    report = folder.load(csv_of("lat;lon", "1,234;4,895"))
    assert reasons(report) == [("row 2", "bad_position")]
    assert report.refusals[0].detail.endswith("import again with --decimal ,")
    assert folder.load(csv_of("lat;lon", "1,234;4,895"), decimal=",").imported == 1
    assert folder.positions() == [(1.234, 4.895)]


@pytest.mark.parametrize("decimal", [None, "."])
def test_points_and_commas_in_one_table_are_not_guessed(
    folder: Folder, decimal: str | None
) -> None:
    report = folder.load(csv_of("lat;lon", "52.37;4.89", "52,37;4,89"), decimal=decimal)
    assert reasons(report) == [("row 3", "bad_position")]


@pytest.mark.parametrize("cell", ["1.234;5", "1.234,5;5", "1,2,3;5", '52°22\'12""N;5'])
def test_with_a_decimal_comma_a_point_is_no_number(folder: Folder, cell: str) -> None:
    quoted = ";".join(f'"{part}"' for part in cell.split(";"))
    report = folder.load(csv_of("lat;lon", quoted), decimal=",")
    assert reasons(report) == [("row 2", "bad_position")]


def test_a_decimal_comma_holds_for_bounds_and_objects_too(folder: Folder) -> None:
    box = '"{""x"":""1,5"",""y"":""2,5"",""width"":""3"",""height"":""4""}"'
    report = folder.load(csv_of("bbox;location", f'{box};"{{""lat"":""52,37"",""lon"":""4,89""}}"'),
                         decimal=",")  # fmt: skip
    assert report.refused_count == 0
    assert folder.positions() == [(52.37, 4.89)]
    assert '"x_min":1.5' in folder.rows()[0]["bbox"]


@given(st.floats(-90, 90), st.floats(-180, 180))
@settings(max_examples=30, deadline=None)
def test_any_number_with_a_decimal_comma_comes_back(latitude: float, longitude: float) -> None:
    from sightline.local.importing.values import Numbers

    numbers = Numbers(",")
    for value in (latitude, longitude):
        assert numbers.number(f"{value:.12f}".replace(".", ",")) == pytest.approx(value, abs=1e-7)
