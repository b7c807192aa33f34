"""Single values out of tables: positions, times, boxes, poses and URIs, checked."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import orjson

from sightline.errors import PermanentError
from sightline.local.images import path_of
from sightline.model import PixelBounds
from sightline.records import POSE
from sightline.wire import check_uri

_BOUNDS_KEYS: tuple[tuple[str, ...], ...] = (
    ("x_min", "min_x", "xmin", "left"),
    ("y_min", "min_y", "ymin", "top"),
    ("x_max", "max_x", "xmax", "right"),
    ("y_max", "max_y", "ymax", "bottom"),
)


class FaultError(ValueError):
    """A value that cannot be used; the message says what is wrong with it."""


def utf8(value: bytes) -> str:
    """Return the text in bytes of UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise FaultError(f"byte {error.start + 1} of {value[:40]!a} is not UTF-8") from error


def number(value: object) -> float | None:
    """Return a finite number; nothing for an empty text."""
    if type(value) is float and math.isfinite(value):
        return value
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FaultError(f"{value!r:.40} is not a number")
    try:
        result = float(value)
    except ValueError as error:
        raise FaultError(f"{value!r:.40} is not a number") from error
    if not math.isfinite(result):
        raise FaultError(f"{value!r:.40} is not a finite number")
    return result


def moment(text: str) -> datetime | None:
    """Return a time of ISO 8601, or as BigQuery prints it (``... UTC``); no zone means UTC."""
    text = re.sub(r" ?UTC$", "Z", text.strip())
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
        zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FaultError(f"{text[:40]!r} is not a time in ISO 8601") from error


def bounds_json(value: object) -> str | None:
    """Return pixel bounds as JSON text.

    Taken are four numbers (``x_min`` or ``min_x`` or ``left`` ...), or points that hold x and y,
    of which the smallest and largest count; a struct, or JSON text.
    """
    members = _mapping(value)
    if not members:
        return None
    points = [member for member in members.values() if isinstance(member, Mapping)]
    if points:
        xs, ys = ([number(point.get(axis)) for point in points] for axis in "xy")
        known_x, known_y = (
            [coordinate for coordinate in side if coordinate is not None] for side in (xs, ys)
        )
        if len(known_x) < 2 or len(known_y) < 2:
            raise FaultError("the bounds' points lack x or y")
        sides = (min(known_x), min(known_y), max(known_x), max(known_y))
    else:
        bounds = [_first(members, names) for names in _BOUNDS_KEYS]
        known_bounds = [bound for bound in bounds if bound is not None]
        if not known_bounds:
            return None
        if len(known_bounds) < 4:
            raise FaultError("one of x_min, y_min, x_max, y_max is missing")
        sides = (known_bounds[0], known_bounds[1], known_bounds[2], known_bounds[3])
    if sides[0] > sides[2] or sides[1] > sides[3]:
        raise FaultError(f"{sides} is inside out")
    return orjson.dumps(PixelBounds(*sides)).decode()


def pose_json(value: object) -> str | None:
    """Return a camera pose as JSON text, of what is known of it; a struct, or JSON text."""
    members = _mapping(value)
    known = {key: at for key in POSE if (at := number(members.get(key))) is not None}
    if not known:
        return None
    check_position(known.get("latitude"), known.get("longitude"))
    return orjson.dumps(known).decode()


def check_position(latitude: float | None, longitude: float | None) -> None:
    """Check that a position is whole and on Earth."""
    if (latitude is None) != (longitude is None):
        raise FaultError("latitude and longitude must both be given, or neither")
    if latitude is not None and not -90 <= latitude <= 90:
        raise FaultError(f"latitude {latitude} is not between -90 and 90")
    if longitude is not None and not -180 <= longitude <= 180:
        raise FaultError(f"longitude {longitude} is not between -180 and 180")


def location_of(text: str) -> tuple[float | None, float | None]:
    """Return latitude and longitude out of JSON text."""
    members = _mapping(text)
    return number(members.get("latitude")), number(members.get("longitude"))


def image_uri(text: str, base: Path) -> str:
    """Return the URI of an image: ``gs://`` or ``file://`` as it is, a path made absolute."""
    if not text.strip():
        raise FaultError("there is no URI")
    if "://" not in text:
        path = os.path.normpath(os.path.join(base, text))  # noqa: PTH118 - pathlib is slow here
        if "\0" in path:
            raise FaultError(f"{text[:80]!r} has a zero byte")
        return "file://" + quote_from_bytes(os.fsencode(path))
    try:
        check_uri(text)
        if text.lower().startswith("file:"):
            path_of(text)
    except PermanentError as error:
        raise FaultError(error.detail) from error
    return text


def _first(members: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    return next((number(members[name]) for name in names if members.get(name) is not None), None)


def _mapping(value: object) -> Mapping[str, Any]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise FaultError(f"it is not JSON: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise FaultError("it is not a JSON object")
    return value
