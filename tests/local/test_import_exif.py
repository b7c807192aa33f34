"""EXIF: where and when a photograph was taken, and what is left out rather than believed."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import piexif
import pytest
from PIL import Image

from sightline.local.importing.exif import ExifFacts, read_exif
from sightline.model import CameraPose

GPS = piexif.GPSIFD
EXIF = piexif.ExifIFD
MUNICH: dict[int, Any] = {
    GPS.GPSLatitudeRef: b"N",
    GPS.GPSLatitude: ((48, 1), (8, 1), (1375, 100)),
    GPS.GPSLongitudeRef: b"E",
    GPS.GPSLongitude: ((11, 1), (34, 1), (3012, 100)),
}


def facts_of(gps: dict[int, Any] | None = None, exif: dict[int, Any] | None = None) -> ExifFacts:
    return read_exif(block(gps, exif))


def block(gps: dict[int, Any] | None = None, exif: dict[int, Any] | None = None) -> bytes:
    exif_bytes: bytes = piexif.dump({"GPS": gps or {}, "Exif": exif or {}})
    return exif_bytes.removeprefix(b"Exif\0\0")


def test_no_exif_means_no_facts() -> None:
    assert read_exif(b"") == ExifFacts()
    assert facts_of() == ExifFacts()


def test_a_position_with_altitude_and_heading() -> None:
    more = {GPS.GPSAltitude: (51930, 100), GPS.GPSAltitudeRef: 0,
            GPS.GPSImgDirection: (2705, 10), GPS.GPSImgDirectionRef: b"T"}  # fmt: skip
    facts = facts_of(MUNICH | more)
    latitude, longitude = 48 + 8 / 60 + 13.75 / 3600, 11 + 34 / 60 + 30.12 / 3600
    assert facts.latitude == pytest.approx(latitude, abs=1e-12)
    assert facts.longitude == pytest.approx(longitude, abs=1e-12)
    assert facts.camera_pose == CameraPose(facts.latitude, facts.longitude, 519.3, heading=270.5)
    assert facts.notes == ()


@pytest.mark.parametrize(("ns", "ew", "signs"), [(b"S", b"W", (-1, -1)), (b"N\0", b"w", (1, -1))])
def test_the_hemisphere_gives_the_sign(ns: bytes, ew: bytes, signs: tuple[int, int]) -> None:
    facts = facts_of(MUNICH | {GPS.GPSLatitudeRef: ns, GPS.GPSLongitudeRef: ew})
    assert facts.latitude is not None
    assert facts.longitude is not None
    assert (facts.latitude * signs[0] > 48, facts.longitude * signs[1] > 11) == (True, True)


@pytest.mark.parametrize(
    "change",
    [
        {GPS.GPSLatitude: ((0, 0), (0, 0), (0, 0))},
        {GPS.GPSLatitude: ((48, 1), (8, 1), (5, 0))},
        {GPS.GPSLatitude: ((91, 1), (0, 1), (0, 1))},
        {GPS.GPSLongitude: ((180, 1), (0, 1), (1, 1))},
        {GPS.GPSLongitude: ((11, 1), (75, 1), (0, 1))},
        {GPS.GPSLongitude: ((11, 1), (34, 1))},
        {GPS.GPSLatitudeRef: b""},
        {GPS.GPSLatitudeRef: b"E"},
    ],
)
def test_a_position_that_makes_no_sense_is_left_out(change: dict[int, Any]) -> None:
    facts = facts_of(MUNICH | change)
    assert (facts.latitude, facts.longitude, facts.camera_pose) == (None, None, None)
    assert facts.notes == ("its GPS position makes no sense and is left out",)


def test_half_a_position_is_none() -> None:
    half = {key: MUNICH[key] for key in (GPS.GPSLatitude, GPS.GPSLatitudeRef)}
    assert facts_of(half).latitude is None


def test_a_position_without_a_fix_is_left_out() -> None:
    zero = ((0, 1), (0, 1), (0, 1))
    facts = facts_of(MUNICH | {GPS.GPSLatitude: zero, GPS.GPSLongitude: zero})
    assert facts.latitude is None
    assert "without a fix" in facts.notes[0]
    void = facts_of(MUNICH | {GPS.GPSStatus: b"V"})
    assert void.latitude is None
    assert "void" in void.notes[0]


@pytest.mark.parametrize(
    ("change", "altitude"),
    [
        ({GPS.GPSAltitude: (35, 10), GPS.GPSAltitudeRef: 1}, -3.5),
        ({GPS.GPSAltitude: (35, 0)}, None),
        ({GPS.GPSAltitude: (60_000, 1)}, None),
        ({GPS.GPSAltitude: (35, 10)}, 3.5),
    ],
)
def test_altitude_below_the_sea_is_negative(change: dict[int, Any], altitude: float | None) -> None:
    pose = facts_of(MUNICH | change).camera_pose
    assert pose is not None
    assert pose.altitude == altitude


@pytest.mark.parametrize(
    ("direction", "heading"), [((360, 1), 0.0), ((361, 1), None), ((1, 0), None)]
)
def test_a_heading_is_between_0_and_360(direction: tuple[int, int], heading: float | None) -> None:
    pose = facts_of(MUNICH | {GPS.GPSImgDirection: direction}).camera_pose
    assert pose is not None
    assert pose.heading == heading


def test_the_direction_of_travel_is_no_heading() -> None:
    pose = facts_of(MUNICH | {GPS.GPSTrack: (90, 1), GPS.GPSTrackRef: b"T"}).camera_pose
    assert pose is not None
    assert pose.heading is None


def test_a_magnetic_heading_is_noted() -> None:
    facts = facts_of(MUNICH | {GPS.GPSImgDirection: (9, 1), GPS.GPSImgDirectionRef: b"M"})
    assert facts.notes == ("its heading is magnetic; it is kept as it is",)


def test_the_satellites_time_is_preferred() -> None:
    gps = {GPS.GPSDateStamp: b"2018:06:08", GPS.GPSTimeStamp: ((20, 1), (24, 1), (11500, 1000))}
    exif = {EXIF.DateTimeOriginal: b"2018:06:08 13:24:10", EXIF.OffsetTimeOriginal: b"-07:00"}
    facts = facts_of(gps, exif)
    assert facts.capture_time == datetime(2018, 6, 8, 20, 24, 11, 500_000, tzinfo=UTC)
    assert facts.notes == ()


@pytest.mark.parametrize(
    "gps",
    [
        {GPS.GPSDateStamp: b"2018:06:08"},
        {GPS.GPSTimeStamp: ((20, 1), (24, 1), (11, 1))},
        {GPS.GPSDateStamp: b"0000:00:00", GPS.GPSTimeStamp: ((20, 1), (24, 1), (11, 1))},
        {GPS.GPSDateStamp: b"2018:06:08", GPS.GPSTimeStamp: ((25, 1), (24, 1), (11, 1))},
        {GPS.GPSDateStamp: b"2018:06:08", GPS.GPSTimeStamp: ((20, 0), (24, 0), (11, 0))},
    ],
)
def test_without_a_whole_satellite_time_the_cameras_clock_counts(gps: dict[int, Any]) -> None:
    exif = {EXIF.DateTimeOriginal: b"2018:06:08 13:24:10", EXIF.OffsetTimeOriginal: b"-07:00"}
    assert facts_of(gps, exif).capture_time == datetime(2018, 6, 8, 20, 24, 10, tzinfo=UTC)


def test_a_clock_without_a_zone_is_taken_as_utc_and_noted() -> None:
    exif = {EXIF.DateTimeOriginal: b"2018:06:08 13:24:10", EXIF.SubSecTimeOriginal: b"25"}
    facts = facts_of({}, exif)
    assert facts.capture_time == datetime(2018, 6, 8, 13, 24, 10, 250_000, tzinfo=UTC)
    assert facts.notes == ("its time has no zone and is taken as UTC",)


def test_clocks_years_apart_are_noted() -> None:
    gps = {GPS.GPSDateStamp: b"2011:07:15", GPS.GPSTimeStamp: ((9, 1), (14, 1), (39, 1))}
    facts = facts_of(gps, {EXIF.DateTimeOriginal: b"2018:06:26 17:46:33.847"})
    assert facts.capture_time == datetime(2011, 7, 15, 9, 14, 39, tzinfo=UTC)
    assert facts.notes == (
        "its clock says 2018-06-26 and its GPS 2011-07-15; the GPS date is used",
    )


@pytest.mark.parametrize(
    "text", [b"", b"    :  :     :  :  ", b"0000:00:00 00:00:00", b"2018:13:08 13:24:10", b"noon"]
)
def test_a_time_that_makes_no_sense_falls_back_to_the_next(text: bytes) -> None:
    exif = {EXIF.DateTimeOriginal: text, EXIF.DateTimeDigitized: b"2018:06:08 13:24:10"}
    assert facts_of({}, exif).capture_time == datetime(2018, 6, 8, 13, 24, 10, tzinfo=UTC)
    assert facts_of({}, {EXIF.DateTimeOriginal: text}).capture_time is None


def test_a_block_cut_anywhere_never_raises_and_warns_nobody() -> None:
    whole = block(MUNICH, {EXIF.DateTimeOriginal: b"2018:06:08 13:24:10"})
    for length in range(len(whole)):
        facts = read_exif(whole[:length])
        assert facts.latitude is None or 48 < facts.latitude < 49
    assert read_exif(whole[:60]).notes[0].startswith("its EXIF is damaged")


def test_a_block_damaged_anywhere_never_raises() -> None:
    whole = block(MUNICH, {EXIF.DateTimeOriginal: b"2018:06:08 13:24:10"})
    for place in range(len(whole)):
        for value in (0, 0xFF, 0x7F):
            facts = read_exif(whole[:place] + bytes([value]) + whole[place + 1 :])
            assert facts.latitude is None or -90 <= facts.latitude <= 90


def test_pillow_reads_back_what_was_written() -> None:
    """The blocks of these tests are what a camera writes: Pillow agrees with piexif on them."""
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=b"Exif\0\0" + block(MUNICH))
    with Image.open(buffer) as image:
        assert image.getexif().get_ifd(0x8825)[2] == (48.0, 8.0, 13.75)
