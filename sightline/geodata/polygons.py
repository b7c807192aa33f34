"""Areas in filters: well-known text in WGS 84 degrees, with the same checks on every engine.

Edges are straight lines on the map of longitude and latitude, and the boundary is outside. The
antimeridian is not a boundary if an area lies on both sides of it, nor is a pole that an area
surrounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.errors import ConfigurationError
from sightline.model import BoundingBox

if TYPE_CHECKING:
    import shapely

POLAR = 90 - 1e-7
"""Latitude (a centimetre from the pole) beyond which an area contains the pole or does not."""


def parse_polygon(wkt: str) -> shapely.Geometry:
    """Return the area of a well-known text, in WGS 84 degrees.

    Raises:
        ConfigurationError: it is not the text of a polygon or multipolygon.
    """
    import shapely  # noqa: PLC0415 - 0.1 s, and only needed for a polygon
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


def filled(geometry: shapely.Geometry) -> shapely.Geometry:
    """Return the polygons of a geometry as one, without its lines and points."""
    import shapely  # noqa: PLC0415 - as above

    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


def surrounded_poles(area: shapely.Geometry) -> tuple[bool, bool]:
    """Return whether the south pole and the north pole are inside."""
    import shapely  # noqa: PLC0415 - as above

    south, north = shapely.box(-180, -90, 180, -POLAR), shapely.box(-180, POLAR, 180, 90)
    return bool(area.covers(south)), bool(area.covers(north))


def without_seams(area: shapely.Geometry) -> shapely.Geometry:
    """Return an area that continues beyond the map's edges if it does so on the globe.

    Tests in the plane then find a position on the antimeridian or at a pole inside an area that
    surrounds it.
    """
    import shapely  # noqa: PLC0415 - as above
    from shapely.affinity import translate  # noqa: PLC0415

    west, south, east, north = area.bounds
    if west > -180 and east < 180 and south > -90 and north < 90:
        return area
    has_south, has_north = surrounded_poles(area)
    return filled(
        shapely.geometrycollections(
            [
                area,
                translate(filled(area & shapely.box(-180, -90, -179, 90)), 360),
                translate(filled(area & shapely.box(179, -90, 180, 90)), -360),
                *([shapely.box(-181, -91, 181, -POLAR)] if has_south else []),
                *([shapely.box(-181, POLAR, 181, 91)] if has_north else []),
            ]
        )
    )


def exchanged(area: shapely.Geometry) -> shapely.Geometry | None:
    """Return an area with latitude and longitude exchanged; ``None`` if that is invalid."""
    import shapely  # noqa: PLC0415 - as above

    west, _, east, _ = area.bounds
    if west < -90 or east > 90:
        return None
    return shapely.transform(area, lambda positions: positions[:, ::-1])
