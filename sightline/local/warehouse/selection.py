"""The SQL conditions of a filter, with shapely for polygons."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from sightline.geodata.polygons import bounds_of, parse_polygon, without_seams
from sightline.local.warehouse.engine import Session
from sightline.model import BoundingBox, Filter, Radius

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG), for distances on the sphere."""

INSIDE_POLYGON = "inside_polygon"

WITHIN_RADIUS = f"""
(2 * {EARTH_RADIUS_M} * asin(least(1.0, sqrt(
  pow(sin(radians(latitude - ?) / 2), 2)
  + cos(radians(?)) * cos(radians(latitude)) * pow(sin(radians(longitude - ?) / 2), 2)
)))) <= ?
"""


@dataclass(frozen=True, slots=True)
class DuckDbCondition:
    """A condition in SQL over the columns of an observation, and its parameters."""

    sql: str
    parameters: tuple[object, ...]


def condition(which: Filter) -> DuckDbCondition:
    """Return the condition of a filter without its limit; unknown positions and times match none.

    A polygon requires ``allow_polygon`` on the connection.

    Raises:
        ConfigurationError: the polygon is invalid.
    """
    parts: list[str] = []
    parameters: list[object] = []
    if which.asset_types:
        parts.append(f"asset_type IN ({', '.join('?' * len(which.asset_types))})")
        parameters += which.asset_types
    if which.captured_from is not None:
        parts.append("capture_time >= ?::TIMESTAMPTZ")
        parameters.append(which.captured_from.isoformat())
    if which.captured_until is not None:
        parts.append("capture_time < ?::TIMESTAMPTZ")
        parameters.append(which.captured_until.isoformat())
    if which.polygon_wkt is not None:
        parts.append(f"{INSIDE_POLYGON}(longitude, latitude)")
    boxes = [which.box] if which.box else []
    if which.polygon_wkt is not None:
        boxes.append(bounds_of(parse_polygon(which.polygon_wkt)))
    for place_condition in [
        *map(_in_box, boxes),
        *([_in_radius(which.radius)] if which.radius else []),
    ]:
        parts.append(place_condition.sql)
        parameters += place_condition.parameters
    return DuckDbCondition(" AND ".join(f"({part})" for part in parts) or "true", tuple(parameters))


def _in_box(box: BoundingBox) -> DuckDbCondition:
    west, east = box.meridians
    together = "AND" if west <= east else "OR"  # across the antimeridian
    across = f"(longitude >= ? {together} longitude <= ?)"
    return DuckDbCondition(
        f"latitude BETWEEN ? AND ? AND {across}", (box.south, box.north, west, east)
    )


def _in_radius(radius: Radius) -> DuckDbCondition:
    return DuckDbCondition(
        WITHIN_RADIUS, (radius.latitude, radius.latitude, radius.longitude, radius.radius_m)
    )


def allow_polygon(session: Session, which: Filter) -> None:
    """Register ``inside_polygon`` with the connection, if the filter has a polygon.

    DuckDB calls it with a few thousand rows at a time, so that memory does not grow with them. The
    boundary is outside, as with BigQuery's ``ST_CONTAINS``.
    """
    if which.polygon_wkt is None:
        return
    import shapely  # noqa: PLC0415 - 0.1 s, and only for those who give a polygon

    area = without_seams(parse_polygon(which.polygon_wkt))
    shapely.prepare(area)

    def inside(longitude: pa.ChunkedArray, latitude: pa.ChunkedArray) -> pa.Array:
        return pa.array(shapely.contains_xy(area, longitude.to_numpy(), latitude.to_numpy()))

    session.connection.create_function(
        INSIDE_POLYGON,
        inside,
        ["DOUBLE", "DOUBLE"],
        "BOOLEAN",
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )
