"""Translates a filter into a condition in GoogleSQL, with bound values.

The edges of a polygon are straight lines on the map (``planar``), as in the other engines, and its
boundary is outside. The radius of BigQuery's sphere is two metres larger than the mean Earth radius
of the other engines: a radius of 10 km is 3 mm shorter there.

On a sphere, BigQuery may read a polygon as the rest of the globe, and drops edges along the
antimeridian and at the poles. Shells therefore run counterclockwise, and an area that is wide, or
reaches there, is cut into overlapping slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sightline.geodata.polygons import (
    POLAR,
    bounds_of,
    filled,
    parse_polygon,
    surrounded_poles,
)
from sightline.model import BoundingBox, Filter

if TYPE_CHECKING:
    import shapely

    from sightline.gcp.bigquery.client import Value

POSITION = "SAFE.ST_GEOGPOINT(longitude, latitude)"
"""The position of an observation; NULL if it is unknown or invalid."""

TURNED_POSITION = "SAFE.ST_GEOGPOINT(IF(longitude > 0, longitude - 180, longitude + 180), latitude)"
"""The same on a globe rotated by 180 degrees, where the antimeridian is an ordinary meridian."""

WIDEST = 120.0
"""The widest area, in degrees of longitude, that is tested in one piece."""


@dataclass(frozen=True, slots=True)
class BigQueryCondition:
    """A condition over the columns of an observation, and the values of its ``@`` parameters."""

    sql: str = "true"
    values: dict[str, Value] = field(default_factory=dict)


def condition(which: Filter) -> BigQueryCondition:
    """Return the condition of a filter, without its limit; unknown positions and times never match.

    Raises:
        ConfigurationError: the polygon is invalid.
    """
    conditions: list[BigQueryCondition] = []
    if which.asset_types:
        conditions.append(
            BigQueryCondition(
                "asset_type IN UNNEST(@asset_types)", {"asset_types": [*which.asset_types]}
            )
        )
    if which.captured_from is not None:
        value = which.captured_from
        conditions.append(
            BigQueryCondition("capture_time >= @captured_from", {"captured_from": value})
        )
    if which.captured_until is not None:
        value = which.captured_until
        conditions.append(
            BigQueryCondition("capture_time < @captured_until", {"captured_until": value})
        )
    if which.box is not None:
        conditions.append(_in_box(which.box, "box"))
    if which.radius is not None:
        center = "ST_GEOGPOINT(@radius_longitude, @radius_latitude)"
        conditions.append(
            BigQueryCondition(
                f"ST_DWITHIN({POSITION}, {center}, @radius_m)",
                {
                    "radius_longitude": float(which.radius.longitude),
                    "radius_latitude": float(which.radius.latitude),
                    "radius_m": float(which.radius.radius_m),
                },
            )
        )
    if which.polygon_wkt is not None:
        conditions += _in_polygon(which.polygon_wkt)
    return BigQueryCondition(
        " AND ".join(f"({condition.sql})" for condition in conditions) or "true",
        {name: value for condition in conditions for name, value in condition.values.items()},
    )


def _in_box(box: BoundingBox, name: str) -> BigQueryCondition:
    # Parameters are on the left: an emulator compares a STRUCT's 5.0 on the left as an integer.
    west, east = box.meridians
    together = "AND" if west <= east else "OR"  # across the antimeridian
    across = f"(@{name}_west <= longitude {together} @{name}_east >= longitude)"
    return BigQueryCondition(
        f"@{name}_south <= latitude AND @{name}_north >= latitude AND {across}",
        {
            f"{name}_west": float(west),
            f"{name}_south": float(box.south),
            f"{name}_east": float(east),
            f"{name}_north": float(box.north),
        },
    )


def _in_polygon(wkt: str) -> list[BigQueryCondition]:
    """Return conditions for the bounding box of a polygon, which is cheap to test, and for it."""
    area = parse_polygon(wkt)
    around = bounds_of(area)
    if around.east - around.west <= WIDEST and max(map(abs, area.bounds[1::2])) <= POLAR:
        parts = [_contains(area, "polygon", POSITION)]
    else:
        parts = [*_slices(area), *_poles(area)]
    inside = " OR ".join(f"({part.sql})" for part in parts)
    values = {name: value for part in parts for name, value in part.values.items()}
    return [_in_box(around, "around"), BigQueryCondition(inside, values)]


def _contains(area: shapely.Geometry, name: str, position: str) -> BigQueryCondition:
    from shapely import orient_polygons

    inside = f"ST_CONTAINS(ST_GEOGFROMTEXT(@{name}, planar => TRUE), {position})"
    return BigQueryCondition(inside, {name: orient_polygons(area).wkt})


def _slices(area: shapely.Geometry) -> Iterator[BigQueryCondition]:
    """Yield a condition for each third of the globe; the one at the antimeridian is rotated."""
    from shapely import box, union_all
    from shapely.affinity import translate

    def between(west: float, east: float) -> shapely.Geometry:
        return filled(area & box(west, -POLAR, east, POLAR))

    turned = union_all([translate(between(119, 180), -180), translate(between(-180, -119), 180)])
    for name, part, position in (
        ("polygon_west", between(-121, 1), POSITION),
        ("polygon_east", between(-1, 121), POSITION),
        ("polygon_turned", turned, TURNED_POSITION),
    ):
        if not part.is_empty:
            yield _contains(part, name, position)


def _poles(area: shapely.Geometry) -> Iterator[BigQueryCondition]:
    """Yield the poles that are inside."""
    south, north = surrounded_poles(area)
    if south:
        yield _in_box(BoundingBox(-180, -90, 180, -POLAR), "south_pole")
    if north:
        yield _in_box(BoundingBox(-180, POLAR, 180, 90), "north_pole")
