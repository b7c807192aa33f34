"""The EXIF facts of a picture: the camera's position and direction, and the time.

Tags and their meaning: Exif 3.0, CIPA DC-008-2023, 4.6.5 (Exif IFD) and 4.6.6 (GPS IFD).
"""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

from sightline.model import CameraPose

_GPS = ExifTags.GPS
_BASE = ExifTags.Base
_LOWEST_M, _HIGHEST_M = -500.0, 9000.0
_APART = timedelta(hours=26)
"""No two time zones differ by more, so a clock that does was set wrongly."""


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """The facts that could be read: WGS 84 degrees, a time with a zone, the pose of the camera.

    ``notes`` are sentences on what was left out or assumed.
    """

    latitude: float | None = None
    longitude: float | None = None
    capture_time: datetime | None = None
    camera_pose: CameraPose | None = None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    exif: Mapping[int, Any]
    gps: Mapping[int, Any]
    notes: list[str] = field(default_factory=list)


def read_exif(content: bytes) -> ExifFacts:
    """Return the facts in an EXIF block (a TIFF structure); never raises on a damaged one."""
    if not content:
        return ExifFacts()
    reading = _parse(content)
    position = _position(reading)
    capture_time = _capture_time(reading)
    latitude, longitude = position or (None, None)
    altitude, heading = _altitude(reading), _heading(reading)
    known = any(value is not None for value in (latitude, altitude, heading))
    pose = CameraPose(latitude, longitude, altitude, heading=heading) if known else None
    return ExifFacts(latitude, longitude, capture_time, pose, tuple(reading.notes))


def _parse(content: bytes) -> _Reading:
    """Read as much as possible. Not thread-safe, since warnings are caught."""
    exif: dict[int, Any] = {}
    gps: dict[int, Any] = {}
    is_damaged = False
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        try:
            block = Image.Exif()
            block.load(content)
            exif = dict(block.get_ifd(ExifTags.IFD.Exif))
            gps = dict(block.get_ifd(ExifTags.IFD.GPSInfo))
        except (SyntaxError, ValueError, TypeError, KeyError, IndexError, OSError, EOFError,
                OverflowError, struct.error):  # fmt: skip
            is_damaged = True
    notes = ["its EXIF is damaged; the readable part is used"]
    return _Reading(exif, gps, notes if is_damaged or complaints else [])


def _position(reading: _Reading) -> tuple[float, float] | None:
    gps = reading.gps
    if _GPS.GPSLatitude not in gps and _GPS.GPSLongitude not in gps:
        return None
    latitude = _degrees(gps.get(_GPS.GPSLatitude), gps.get(_GPS.GPSLatitudeRef), "NS", 90.0)
    longitude = _degrees(gps.get(_GPS.GPSLongitude), gps.get(_GPS.GPSLongitudeRef), "EW", 180.0)
    if latitude is None or longitude is None:
        reading.notes.append("its GPS position makes no sense and is left out")
    elif (latitude, longitude) == (0.0, 0.0):
        reading.notes.append(
            "its GPS position is 0, 0, as cameras without a fix write it, and is left out"
        )
    elif _text(gps.get(_GPS.GPSStatus)) == "V":
        reading.notes.append("its GPS position was void at the time, and is left out")
    else:
        return latitude, longitude
    return None


def _degrees(value: Any, reference: Any, signs: str, limit: float) -> float | None:
    parts = _numbers(value)
    sign = {signs[0]: 1.0, signs[1]: -1.0}.get(_text(reference).upper())
    if sign is None or parts is None or len(parts) != 3:
        return None
    degrees, minutes, seconds = parts
    if min(parts) < 0 or minutes >= 60 or seconds >= 60:
        return None
    total = degrees + minutes / 60 + seconds / 3600
    return sign * total if total <= limit else None


def _altitude(reading: _Reading) -> float | None:
    value = _number(reading.gps.get(_GPS.GPSAltitude))
    if value is None:
        return None
    reference = reading.gps.get(_GPS.GPSAltitudeRef, 0)
    is_below = reference in {1, 3, b"\x01", b"\x03"}  # below sea level, below the ellipsoid
    altitude = -value if is_below else value
    return altitude if _LOWEST_M <= altitude <= _HIGHEST_M else None


def _heading(reading: _Reading) -> float | None:
    value = _number(reading.gps.get(_GPS.GPSImgDirection))
    if value is None or not 0 <= value <= 360:
        return None
    if _text(reading.gps.get(_GPS.GPSImgDirectionRef)).upper() == "M":
        reading.notes.append("its heading is magnetic; it is kept as it is")
    return value % 360


def _capture_time(reading: _Reading) -> datetime | None:
    by_satellite = _satellite_time(reading.gps)
    by_clock, has_zone = _clock_time(reading.exif)
    if by_satellite is not None:
        if by_clock is not None and abs(by_clock - by_satellite) > _APART:
            reading.notes.append(
                f"its clock says {by_clock:%Y-%m-%d} and its GPS {by_satellite:%Y-%m-%d};"
                " the GPS date is used"
            )
        return by_satellite
    if by_clock is not None and not has_zone:
        reading.notes.append("its time has no zone and is taken as UTC")
    return by_clock


def _satellite_time(gps: Mapping[int, Any]) -> datetime | None:
    parts = _numbers(gps.get(_GPS.GPSTimeStamp))
    day = _moment(_text(gps.get(_GPS.GPSDateStamp)) + " 00:00:00")
    if day is None or parts is None or len(parts) != 3:
        return None
    hours, minutes, seconds = parts
    if min(parts) < 0 or hours >= 24 or minutes >= 60 or seconds >= 61:
        return None
    return day + timedelta(hours=hours, minutes=minutes, seconds=round(seconds, 6))


def _clock_time(exif: Mapping[int, Any]) -> tuple[datetime | None, bool]:
    for at, fraction, offset in (
        (_BASE.DateTimeOriginal, _BASE.SubsecTimeOriginal, _BASE.OffsetTimeOriginal),
        (_BASE.DateTimeDigitized, _BASE.SubsecTimeDigitized, _BASE.OffsetTimeDigitized),
    ):
        moment = _moment(_text(exif.get(at)))
        if moment is None:
            continue
        digits = _text(exif.get(fraction))
        if digits.isascii() and digits.isdigit() and not moment.microsecond:
            moment = moment.replace(microsecond=int(digits[:6].ljust(6, "0")))
        zone = _zone(_text(exif.get(offset)))
        return moment.replace(tzinfo=zone or UTC).astimezone(UTC), zone is not None
    return None, False


def _moment(text: str) -> datetime | None:
    """Read ``YYYY:MM:DD HH:MM:SS``, with or without a fraction, as UTC."""
    date, _, time = text.partition(" ")
    try:
        moment = datetime.fromisoformat(f"{date.replace(':', '-')}T{time}")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC)


def _zone(text: str) -> timezone | None:
    try:
        moment = datetime.strptime(text, "%z")
    except ValueError:
        return None
    offset = moment.utcoffset()
    return None if offset is None else timezone(offset)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.replace("\0", " ").strip() if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, str | bytes) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _numbers(value: Any) -> list[float] | None:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return None
    numbers = [_number(part) for part in value]
    known = [number for number in numbers if number is not None]
    return known if len(known) == len(numbers) else None
