"""Reads points in any encoding: WKB, EWKB, WKT, EWKT, GeoJSON, and JSON with two keys.

All become shapely points, whose SRID is 0 if a value does not name its CRS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import shapely

from sightline.local.importing.names import LATITUDE, LONGITUDE, X, Y, folded
from sightline.local.importing.values import FaultError, Numbers

Refuse = Callable[[int, str], None]
WGS84 = 4326
"""The SRID of coordinates in degrees."""

_HEX = re.compile(r"0[01][0-9A-Fa-f]{18,}")
_WKT = re.compile(
    r"(?:SRID=(\d+);)?\s*([A-Z]+\s*(?:Z|M|ZM)?\s*(?:\(.*|EMPTY))", re.DOTALL | re.IGNORECASE
)
_SEVERAL = re.compile(r"[-+\d.]+°?\s*[,; ]\s*[-+\d.]+")
_EPSG = re.compile(r"EPSG:(?:[\d.]*:)?(\d+)")


_POSITION = 'POINT(5.12 52.09), or an object such as {"latitude": 52.09, "longitude": 5.12}'


def points_of(values: Sequence[object], numbers: Numbers, refuse: Refuse) -> Any:
    """Return an array of shapely points for values of any encoding, ``None`` for no position.

    ``refuse`` receives the index of each value that is not a point, and the reason.
    """
    points = np.full(len(values), None, object)
    binary: dict[int, bytes] = {}
    texts: dict[int, str] = {}
    srids: dict[int, int] = {}
    for index, value in enumerate(values):
        try:
            content = _content(value)
            if isinstance(content, Mapping):
                points[index] = _of_object(content, numbers)
            elif isinstance(content, bytes):
                binary[index] = content
            elif content is not None:
                srids[index], texts[index] = _well_known(content)
        except FaultError as fault:
            refuse(index, str(fault))
    _decode(points, binary, shapely.from_wkb, "WKB", refuse)
    _decode(points, texts, shapely.from_wkt, "well-known text", refuse)
    for index, srid in srids.items():
        if srid and points[index] is not None:
            points[index] = shapely.set_srid(points[index], srid)
    return _single(points, refuse)


def _decode(
    points: Any,
    encoded: Mapping[int, bytes] | Mapping[int, str],
    decode: Callable[..., Any],
    name: str,
    refuse: Refuse,
) -> None:
    """Parse geometries into their places, whole arrays at a time."""
    if not encoded:
        return
    column = np.empty(len(encoded), object)
    column[:] = list(encoded.values())
    points[list(encoded)] = decode(column, on_invalid="ignore")
    for index, value in encoded.items():
        if points[index] is None:
            refuse(index, f"{value!r:.60} is not valid {name}")


def _content(value: object) -> bytes | str | Mapping[str, Any] | None:
    """Return WKB as bytes, well-known text as text, and JSON as an object."""
    if isinstance(value, bytes):
        if value[:1] in {b"\0", b"\1"}:
            return value
        try:
            value = value.decode()
        except UnicodeDecodeError as error:
            raise FaultError(f"{value[:20]!r} is neither WKB nor UTF-8") from error
    if isinstance(value, str):
        value = value.strip()
        if _HEX.fullmatch(value) and len(value) % 2 == 0:
            return bytes.fromhex(value)
        if value[:1] in {"{", "[", '"'} or value == "null":
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError as error:
                raise FaultError(f"{value!r:.60} is not JSON; give {_POSITION}") from error
    if value is None or value == "" or isinstance(value, str | Mapping):
        return value or None
    if isinstance(value, list):
        raise FaultError(_two_numbers(value))
    raise FaultError(f"{value!r:.60} is not a position")


def _well_known(text: str) -> tuple[int, str]:
    """Return the SRID of well-known text, or 0, and the text without it."""
    match = _WKT.fullmatch(text)
    if match:
        return int(match[1] or 0), match[2]
    if _SEVERAL.fullmatch(text):
        raise FaultError(_two_numbers(text))
    raise FaultError(f"{text!r:.60} is not WKT, WKB or GeoJSON, nor JSON with latitude, longitude")


def _two_numbers(value: object) -> str:
    return (
        f"{value!r:.60} does not say which number is the latitude;"
        " give them as columns latitude and longitude, or as POINT(longitude latitude)"
    )


def _of_object(members: Mapping[str, Any], numbers: Numbers) -> Any:
    """Return the point of a GeoJSON object, or of one with two known keys."""
    if all(value is None for value in members.values()):
        return None
    if "type" in members and ("coordinates" in members or "geometry" in members):
        return _of_geojson(members)
    values = {folded(key): value for key, value in members.items()}
    for horizontal, vertical, srid in ((LONGITUDE, LATITUDE, WGS84), (X, Y, 0)):
        x, y = ([values[key] for key in keys if key in values] for keys in (horizontal, vertical))
        if x and y:
            at = numbers.number(x[0]), numbers.number(y[0])
            if at == (None, None):
                return None
            if None in at:
                raise FaultError("latitude and longitude must both be given, or neither")
            return shapely.set_srid(shapely.Point(*at), srid)
    listed = ", ".join(list(members)[:8])
    raise FaultError(f"no key of latitude and longitude is known among {listed}")


def _of_geojson(members: Mapping[str, Any]) -> Any:
    try:
        point = shapely.from_geojson(orjson.dumps(members).decode())
    except (shapely.errors.ShapelyError, TypeError, ValueError) as error:
        raise FaultError(f"it is not valid GeoJSON: {str(error)[:80]}") from error
    match = _EPSG.search(orjson.dumps(members.get("crs")).decode())
    return shapely.set_srid(point, int(match[1])) if match and point is not None else point


def _single(points: Any, refuse: Refuse) -> Any:
    """Return only the points: empty ones become ``None``, and other geometries are refused."""
    kinds = shapely.get_type_id(points)
    is_other = kinds > shapely.GeometryType.POINT
    for index in np.flatnonzero(is_other | shapely.is_empty(points)):
        point = points[index]
        if point.geom_type == "MultiPoint" and len(point.geoms) == 1:
            point = shapely.set_srid(point.geoms[0], shapely.get_srid(point))
        elif point.geom_type != "Point" and not point.is_empty:
            refuse(int(index), f"a {point.geom_type} is not a point; export its centre instead")
        points[index] = point if point.geom_type == "Point" and not point.is_empty else None
    return points
