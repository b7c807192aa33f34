"""Which rows a filter means: a condition in GoogleSQL, with bound values.

Edges of a polygon are straight lines on the map (``planar``), as they are for the other engines,
and its boundary is outside. BigQuery's sphere is two metres larger in radius than the mean Earth of
the other engines: a radius of 10 km is 3 mm shorter there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sightline.model import BoundingBox, Filter
from sightline.polygons import bounds_of, parse_polygon

if TYPE_CHECKING:
    from sightline.gcp.bigquery.client import Value

POSITION = "SAFE.ST_GEOGPOINT(longitude, latitude)"
"""Where an observation is; NULL where that is unknown, or no place on Earth."""


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
    inside = f"ST_CONTAINS(ST_GEOGFROMTEXT(@polygon, planar => TRUE), {POSITION})"
    return [_in_box(bounds_of(area), "around"), BigQueryCondition(inside, {"polygon": area.wkt})]
