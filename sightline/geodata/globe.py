"""Polygons of any CRS as areas on the WGS 84 map: longitude -180 to 180, latitude -90 to 90."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.affinity import translate

from sightline.geodata.crs import Coordinates, ToDegrees, parse_crs, to_degrees
from sightline.geodata.polygons import filled

if TYPE_CHECKING:
    import pyproj

PIECES = 500
"""The least number of pieces into which the side of a projected area is cut for reprojection.

A straight line of a projection is a curve in degrees: this number places an edge across a country
of 300 km to within a centimetre.
"""

_ROUNDING = 1e-6
"""Degrees (a decimetre) by which a reprojected coordinate may exceed the end of the map."""

NO_PLACES = "some of its coordinates are outside its CRS; export it as EPSG:4326"


class NoAreaError(ValueError):
    """A polygon that is not an area on the globe; the message gives the reason and the remedy."""


def on_globe(polygon: shapely.Polygon, crs: object, where: str) -> shapely.Geometry:
    """Return the area of a polygon with its declared CRS, or in degrees (``None``).

    Rings that cross themselves or each other are repaired: what a ring surrounds is filled, and
    what a hole surrounds is not.

    Raises:
        ConfigurationError: the CRS is not known, or not one of places on Earth.
        NoAreaError: its coordinates are not degrees, or are outside its CRS.
    """
    system = None if crs is None else parse_crs(crs, where)
    if system is None or system.is_geographic:
        return _of_degrees(polygon if system is None else _converted(polygon, system, where))
    return _of_projected(polygon, system, where)


def _converted(polygon: shapely.Polygon, crs: pyproj.CRS, where: str) -> shapely.Polygon:
    convert = to_degrees(crs, where)
    return shapely.transform(polygon, lambda at: np.column_stack(convert(at[:, 0], at[:, 1])))


def _of_degrees(polygon: shapely.Polygon) -> shapely.Geometry:
    _check_degrees(shapely.get_coordinates(polygon))
    for ring in shapely.get_rings(polygon):
        steps = np.abs(np.diff(shapely.get_coordinates(ring)[:, 0]))
        leaps = steps[(steps > 180) & (np.abs(steps - 360) > _ROUNDING)]
        if leaps.size:
            raise NoAreaError(
                f"an edge of it is {leaps[0]:g} degrees long: it crosses the antimeridian; cut it"
                " in two there (RFC 7946, 3.1.9), or write -179 as 181; if it goes around the other"
                " way, add positions between"
            )
    return _wrapped(_mended(polygon))


def _check_degrees(positions: Coordinates) -> None:
    x, y = np.abs(positions[:, 0]), np.abs(positions[:, 1])
    if not np.isfinite(positions).all():
        raise NoAreaError(NO_PLACES)
    if x.max() <= 360 and y.max() <= 90 + _ROUNDING:
        return
    if x.max() <= 90 and y.max() <= 360:
        raise NoAreaError(
            f"latitude {positions[y.argmax(), 1]:g} is not between -90 and 90: latitude and"
            " longitude are exchanged; give longitude first (RFC 7946, 3.1.1)"
        )
    worst = positions[np.maximum(x - 360, y - 90).argmax()]
    raise NoAreaError(
        f"{worst[0]:.15g}, {worst[1]:.15g} are not degrees, and it does not declare a CRS; export"
        " it as EPSG:4326, or with its CRS"
    )


def _of_projected(polygon: shapely.Polygon, crs: pyproj.CRS, where: str) -> shapely.Geometry:
    west, south, east, north = polygon.bounds
    fine = shapely.segmentize(polygon, max(east - west, north - south) / PIECES)
    convert = to_degrees(crs, where)
    shell, *holes = (
        _mended(shapely.Polygon(_around(shapely.get_coordinates(ring), convert)))
        for ring in shapely.get_rings(fine)
    )
    area = _wrapped(shell)
    for hole in holes:
        area -= _wrapped(hole)
    return filled(area)


def _around(ring: Coordinates, convert: ToDegrees) -> Coordinates:
    """Return a ring in degrees without jumps; one around a pole is extended to include it."""
    longitude, latitude = convert(ring[:, 0], ring[:, 1])
    if not np.isfinite(latitude).all():
        raise NoAreaError(NO_PLACES)
    positions = np.column_stack([np.unwrap(longitude, period=360), latitude])
    if abs(positions[-1, 0] - positions[0, 0]) < 180:
        return positions
    if latitude.min() < 0 < latitude.max():
        raise NoAreaError("it runs around a pole and crosses the equator; export it as EPSG:4326")
    pole = np.copysign(90.0, latitude[0])
    ends = [[positions[-1, 0], pole], [positions[0, 0], pole], positions[0]]
    return np.vstack([positions, ends])


def _mended(polygon: shapely.Polygon) -> shapely.Geometry:
    return filled(shapely.make_valid(polygon, method="structure", keep_collapsed=False))


def _wrapped(area: shapely.Geometry) -> shapely.Geometry:
    """Return an area within -180 to 180: parts beyond one side are moved to the other."""
    if area.is_empty:
        return area
    west, _, east, _ = area.bounds
    first = int(np.floor((west + 180 + _ROUNDING) / 360))
    last = int(np.ceil((east - 180 - _ROUNDING) / 360))
    return filled(
        shapely.geometrycollections(
            [
                translate(
                    filled(area & shapely.box(360 * n - 180, -90, 360 * n + 180, 90)), -360 * n
                )
                for n in range(first, last + 1)
            ]
        )
    )
