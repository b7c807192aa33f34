"""Which rows a filter means: a condition in GoogleSQL, with bound values.

Edges of a polygon are straight lines on the map (``planar``), as they are for the other engines,
and its boundary is outside. BigQuery's sphere is two metres larger in radius than the mean Earth of
the other engines: a radius of 10 km is 3 mm shorter there.

On a sphere, a polygon may be read as the rest of the globe, and edges along the antimeridian or at
a pole are none. So shells run counterclockwise, and an area that is wide, or reaches there, is cut
into slices that overlap.
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
"""Where an observation is; NULL where that is unknown, or no place on Earth."""

TURNED_POSITION = "SAFE.ST_GEOGPOINT(IF(longitude > 0, longitude - 180, longitude + 180), latitude)"
"""The same on a globe that is turned by half, on which the antimeridian is nothing special."""

WIDEST = 120.0
"""Degrees of longitude of an area that is asked about in one piece."""


@dataclass(frozen=True, slots=True)
class BigQueryCondition:
    """A condition over the columns of an observation, and the values bound to its ``@`` names."""

    sql: str = "true"
    values: dict[str, Value] = field(default_factory=dict)


def condition(which: Filter) -> BigQueryCondition:
    """Return all of a filter but its limit. An unknown position or time is in none.

    Raises:
        ConfigurationError: the polygon is none.
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
    # Bound values stand left: an emulator compares a STRUCT's 5.0 on the left as an integer.
    together = "AND" if box.west <= box.east else "OR"  # over the antimeridian
    across = f"(@{name}_west <= longitude {together} @{name}_east >= longitude)"
    return BigQueryCondition(
        f"@{name}_south <= latitude AND @{name}_north >= latitude AND {across}",
        {
            f"{name}_west": float(box.west),
            f"{name}_south": float(box.south),
            f"{name}_east": float(box.east),
            f"{name}_north": float(box.north),
        },
    )


def _in_polygon(wkt: str) -> list[BigQueryCondition]:
    """Return the box around a polygon, which is cheap to test, and the polygon."""
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
    """Yield a third of the globe after the other; that at the antimeridian is turned around."""
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
