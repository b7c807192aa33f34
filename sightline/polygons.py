"""Areas as people give them: well-known text, checked alike by every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.errors import ConfigurationError
from sightline.model import BoundingBox

if TYPE_CHECKING:
    import shapely


def parse_polygon(wkt: str) -> shapely.Geometry:
    """Return the area that a well-known text means, in WGS 84 degrees.

    Raises:
        ConfigurationError: it is not the text of a polygon or multipolygon.
    """
    import shapely  # noqa: PLC0415 - 0.1 s, and only for those who give a polygon
    from shapely.errors import GEOSException  # noqa: PLC0415

    try:
        area = shapely.from_wkt(wkt)
    except (GEOSException, TypeError) as error:
        raise ConfigurationError(
            f"polygon {wkt[:60]!r} is not well-known text ({error}); give a POLYGON ((...))"
        ) from error
    if area.geom_type not in {"Polygon", "MultiPolygon"} or area.is_empty or not area.is_valid:
        raise ConfigurationError(
            f"polygon {wkt[:60]!r} is not a valid, filled area; give a POLYGON ((...))"
        )
    return area


def bounds_of(area: shapely.Geometry) -> BoundingBox:
    """Return the box around an area."""
    west, south, east, north = map(float, area.bounds)
    return BoundingBox(west, south, east, north)
