"""Reads GeoJSON: RFC 7946, sequences (RFC 8142, newline-delimited), and the old member ``crs``.

A GeoJSON file without ``crs`` is in WGS 84 degrees. Programs that follow the 2008 version of the
format, such as QGIS, declare another CRS by that member.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    import shapely

RECORD_SEPARATOR = b"\x1e"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""The depth of nested lists around the positions of a geometry."""


class GeoJsonError(ValueError):
    """A text or an object that is not GeoJSON; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature: its geometry as in the file, and its declared CRS."""

    geometry: object
    properties: Mapping[str, object] = field(default_factory=dict)
    id: object = None
    crs: object = None


def documents(content: bytes) -> Iterator[object]:
    """Yield the JSON texts of a file: one, or those of a sequence.

    Raises:
        GeoJsonError: it is not JSON in UTF-8.
    """
    if content.startswith(_UTF16_MARKS):
        raise GeoJsonError("it is UTF-16; save it as UTF-8")
    content = content.removeprefix(_BYTE_ORDER_MARK).strip()
    if not content:
        raise GeoJsonError("it is empty")
    if b"\0" in content:
        raise GeoJsonError("it is not text")
    try:
        yield orjson.loads(content)
    except orjson.JSONDecodeError as error:
        separator = RECORD_SEPARATOR if content.startswith(RECORD_SEPARATOR) else b"\n"
        texts = [text for text in content.split(separator) if text.strip()]
        if (len(texts) < 2 and separator == b"\n") or not _is_object(texts[0]):
            raise GeoJsonError(_described(error)) from error
        yield from map(_loads, texts, range(1, len(texts) + 1))


def _loads(text: bytes, number: int) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise GeoJsonError(f"text {number}: {_described(error)}") from error


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _described(error: orjson.JSONDecodeError) -> str:
    return f"line {error.lineno}, column {error.colno}: {error.msg.partition(': line')[0]}"


def features(document: object) -> Iterator[Feature]:
    """Yield the features of a collection, or a single object as the only feature.

    Raises:
        GeoJsonError: it is not an object, or one of its members is invalid.
    """
    waiting: list[tuple[object, object]] = [(document, None)]
    while waiting:
        value, crs = waiting.pop()
        members = _object(value)
        crs = declared_crs(members, crs)
        match members.get("type"):
            case "FeatureCollection":
                listed = _list(members, "features")
                waiting.extend((member, crs) for member in reversed(listed))
            case "Feature":
                yield Feature(
                    members.get("geometry"),
                    _object(members.get("properties") or {}),
                    members.get("id"),
                    crs,
                )
            case _:
                yield Feature(value, crs=crs)


def declared_crs(members: Mapping[str, object], inherited: object) -> object:
    """Return the CRS that ``crs`` names (GeoJSON of 2008, section 3), else the inherited one.

    Raises:
        GeoJsonError: the member has an unknown form.
    """
    match members.get("crs"):
        case None:
            return inherited
        case str(name) | {"type": "name", "properties": {"name": str(name)}}:
            return name
        case {"type": "EPSG", "properties": {"code": int(code) | str(code)}}:
            return f"EPSG:{code}"
        case other:
            raise GeoJsonError(f"its crs {orjson.dumps(other).decode()[:80]} has an unknown form")


def geometries(value: object, crs: object = None) -> Iterator[tuple[shapely.Geometry, object]]:
    """Yield the simple geometries in a GeoJSON geometry, in two dimensions, each with its CRS.

    Null and empty ones are skipped; members of collections are yielded one by one.

    Raises:
        GeoJsonError: it is not a geometry.
    """
    from shapely.geometry import shape  # noqa: PLC0415 - 0.1 s, and only needed for a map

    waiting = [(value, crs)]
    while waiting:
        member, around = waiting.pop()
        if member is None:
            continue
        members = _object(member)
        around = declared_crs(members, around)
        name = members.get("type")
        if name == "GeometryCollection":
            waiting.extend((inner, around) for inner in reversed(_list(members, "geometries")))
            continue
        if not isinstance(name, str) or name not in _DEPTHS:
            raise GeoJsonError(
                "an object in it has no type" if name is None else f"it has a {name!r:.60}"
            )
        coordinates = _positions(members.get("coordinates"), _DEPTHS[name], name)
        if coordinates:
            yield shape({"type": name, "coordinates": coordinates}), around


def _positions(value: object, depth: int, name: str) -> list[object]:
    """Return coordinates in two dimensions, checked; empty parts are left out."""
    if not isinstance(value, list):
        raise GeoJsonError(f"the coordinates of a {name} are {_what(value)}, and must be a list")
    if depth == 0:
        return _position(value, name)
    members = [_positions(member, depth - 1, name) for member in value]
    if depth == 1 and name.endswith("Polygon"):
        _check_ring(members)
    return [member for member in members if member]


def _position(value: list[object], name: str) -> list[object]:
    if not value:
        return []
    if len(value) < 2 or not all(_is_number(number) for number in value[:2]):
        raise GeoJsonError(
            f"{orjson.dumps(value).decode()[:60]} in a {name} is not a position: longitude and"
            " latitude are needed, as numbers"
        )
    return value[:2]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_ring(ring: list[list[object]]) -> None:
    if not ring:
        return
    if ring[0] != ring[-1]:
        raise GeoJsonError(
            "a ring of it is not closed; let it end where it begins (RFC 7946, 3.1.6)"
        )
    if len(ring) < 4:
        raise GeoJsonError("a ring of it has fewer than four positions (RFC 7946, 3.1.6)")


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise GeoJsonError(f"there is {_what(value)} where an object must be")
    return value


def _list(members: Mapping[str, object], name: str) -> list[object]:
    value = members.get(name)
    if not isinstance(value, list):
        raise GeoJsonError(f"the {name} of a {members['type']} are {_what(value)}, not a list")
    return value


def _what(value: object) -> str:
    """Return the JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"
