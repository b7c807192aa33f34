"""Parses and checks single values in tables: positions, times, boxes, poses and URIs."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from sightline.errors import PermanentError
from sightline.local.images import path_of
from sightline.local.importing.names import CORNERS, SIZED, folded
from sightline.model import PixelBounds
from sightline.records import POSE
from sightline.wire import check_uri


class FaultError(ValueError):
    """An unusable value; the message says what is wrong with it."""


def utf8(value: bytes) -> str:
    """Return the text that bytes of UTF-8 encode."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise FaultError(f"byte {error.start + 1} of {value[:40]!a} is not UTF-8") from error


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the texts of a table write numbers: with a decimal point, or with another mark."""

    decimal: str = "."

    def number(self, value: object) -> float | None:
        """Return a finite number; ``None`` for an empty text."""
        if type(value) is float and math.isfinite(value):
            return value
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise FaultError(f"{value!r:.40} is not a number")
        try:
            result = float(self._with_point(value) if isinstance(value, str) else value)
        except ValueError as error:
            advice = _decimal_advice(str(value), self.decimal)
            raise FaultError(f"{value!r:.40} is not a number{advice}") from error
        if not math.isfinite(result):
            raise FaultError(f"{value!r:.40} is not a finite number")
        return result

    def pointed(self, column: Any) -> Any:
        """Replace a column's decimal mark by a point; texts that had a point become invalid."""
        if self.decimal == "." or not pa.types.is_string(column.type):
            return column
        return pc.replace_substring(pc.replace_substring(column, ".", "_"), self.decimal, ".")

    def _with_point(self, text: str) -> str:
        if self.decimal == ".":
            return text
        return text.replace(".", "_ ").replace(self.decimal, ".")


_DEGREES = re.compile(r"[°º\"'\u2032\u2033]|^\s*[NSEWO]\s*\d|\d\s*[NSEWO]\s*$", re.IGNORECASE)
"""A degree sign, or the hemisphere before or after a number."""


def _decimal_advice(text: str, decimal: str) -> str:
    other = "," if decimal == "." else "."
    if text.count(other) == 1 and text.replace(other, "").strip(" +-").isdigit():
        return f"; if {other!r} is its decimal mark, import again with --decimal {other}"
    if _DEGREES.search(text):
        return "; write degrees with decimals, and a minus in the south and west, such as -4.8952"
    return ""


PLACES = {
    "http": "is on the web",
    "https": "is on the web",
    "s3": "is in Amazon S3",
    **dict.fromkeys(("abfs", "abfss", "az", "wasb", "wasbs"), "is in Azure Blob Storage"),
}
"""Where images are that are not read, by the schemes of their URIs."""

PLAIN_NUMBERS = Numbers()
_BOUNDS = (
    '{"x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4} or {"x": 1, "y": 2, "width": 2, "height": 2}'
)
_POSE = '{"heading": 90, "pitch": 0, "altitude": 12.5}'


def bounds_json(value: object, numbers: Numbers = PLAIN_NUMBERS) -> str | None:
    """Return pixel bounds as JSON text.

    Accepted are four edges (``x_min`` or ``min_x`` or ``left`` ...), a corner and the size (``x``,
    ``y``, ``width``, ``height``), or points with x and y, of which the smallest and largest count;
    as a struct, or JSON text.
    """
    members = {folded(name): member for name, member in _mapping(value, _BOUNDS).items()}
    if all(member is None or member == "" for member in members.values()):
        return None
    points = [member for member in members.values() if isinstance(member, Mapping)]
    sides = _span(points, numbers) if points else _edges(members, numbers)
    if sides[0] > sides[2] or sides[1] > sides[3]:
        raise FaultError(f"{sides} is inside out")
    return orjson.dumps(PixelBounds(*sides)).decode()


def _span(
    points: Sequence[Mapping[str, Any]], numbers: Numbers
) -> tuple[float, float, float, float]:
    """Return the edges around points."""
    xs, ys = ([numbers.number(point.get(axis)) for point in points] for axis in "xy")
    known_x, known_y = (
        [coordinate for coordinate in side if coordinate is not None] for side in (xs, ys)
    )
    if len(known_x) < 2 or len(known_y) < 2:
        raise FaultError("the bounds' points lack x or y")
    return min(known_x), min(known_y), max(known_x), max(known_y)


def _edges(members: Mapping[str, Any], numbers: Numbers) -> tuple[float, float, float, float]:
    """Return the edges of bounds that are given as edges, or as a corner and the size."""
    for names in (CORNERS, SIZED):
        first, second, third, fourth = (_first(members, keys, numbers) for keys in names)
        if first is None or second is None or third is None or fourth is None:
            continue
        if names is SIZED:
            return first, second, first + third, second + fourth
        return first, second, third, fourth
    if not any(name in members for names in (*CORNERS, *SIZED) for name in names):
        raise FaultError(f"no key of bounds is known among {', '.join(list(members)[:8])}")
    raise FaultError("one of x_min, y_min, x_max, y_max is missing, or of x, y, width, height")


def pose_json(value: object, numbers: Numbers = PLAIN_NUMBERS) -> str | None:
    """Return the known members of a camera pose as JSON text; from a struct, or JSON text."""
    members = {folded(name): member for name, member in _mapping(value, _POSE).items()}
    known = {key: at for key in POSE if (at := numbers.number(members.get(key))) is not None}
    if not known:
        if any(member not in {None, ""} for member in members.values()):
            raise FaultError(f"no key of a pose is known among {', '.join(list(members)[:8])}")
        return None
    check_position(known.get("latitude"), known.get("longitude"))
    return orjson.dumps(known).decode()


def check_position(latitude: float | None, longitude: float | None) -> None:
    """Check that a position is complete and on Earth."""
    if (latitude is None) != (longitude is None):
        raise FaultError("latitude and longitude must both be given, or neither")
    if latitude is not None and not -90 <= latitude <= 90:
        raise FaultError(f"latitude {latitude} is not between -90 and 90")
    if longitude is not None and not -180 <= longitude <= 180:
        raise FaultError(f"longitude {longitude} is not between -180 and 180")


def image_uri(text: str, base: Path) -> str:
    """Return the URI of an image: ``gs://`` or ``file://`` unchanged, a path made absolute."""
    if not text.strip():
        raise FaultError("there is no URI")
    if "://" not in text:
        path = os.path.normpath(os.path.join(base, text))  # noqa: PTH118 - pathlib is slow here
        if "\0" in path:
            raise FaultError(f"{text[:80]!r} has a zero byte")
        return "file://" + quote_from_bytes(os.fsencode(path))
    scheme = text.partition("://")[0].lower()
    if scheme not in {"gs", "file"}:
        place = PLACES.get(scheme, "is neither gs://bucket/object, file:///path nor a path")
        raise FaultError(f"{text[:200]!r} {place}; copy the images into a folder or a bucket first")
    try:
        check_uri(text)
        if text.lower().startswith("file:"):
            path_of(text)
    except PermanentError as error:
        raise FaultError(error.detail) from error
    return text


def _first(members: Mapping[str, Any], names: tuple[str, ...], numbers: Numbers) -> float | None:
    filled = (members[name] for name in names if members.get(name) not in {None, ""})
    return numbers.number(next(filled, None))


def _mapping(value: object, example: str) -> Mapping[str, Any]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    content = value
    if isinstance(value, str):
        try:
            content = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise FaultError(_no_object(value, example)) from error
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise FaultError(_no_object(value, example))
    return content


def _no_object(value: object, example: str) -> str:
    return f"{value!r:.60} is not an object; give one such as {example}"
