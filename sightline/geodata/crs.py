"""Coordinate reference systems: what a file declares, and its coordinates as WGS 84 degrees.

Coordinates are always in the order x, y (longitude before latitude), even if the definition of the
CRS has another order of axes: files store them so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sightline.errors import ConfigurationError

if TYPE_CHECKING:
    import pyproj

DEGREES = "OGC:CRS84"
"""WGS 84, longitude before latitude: the default of GeoJSON and GeoParquet."""

Coordinates = npt.NDArray[np.float64]
ToDegrees = Callable[[Coordinates, Coordinates], tuple[Coordinates, Coordinates]]
"""Takes x and y; returns longitude and latitude, NaN if the position is outside the CRS."""


def parse_crs(definition: object, where: str) -> pyproj.CRS:
    """Return the horizontal CRS for a code, a name, a URN, WKT or PROJJSON.

    Raises:
        ConfigurationError: it is not known; the message begins with ``where``.
    """
    import pyproj  # noqa: PLC0415 - 0.1 s, and only for files that declare a CRS
    from pyproj.exceptions import CRSError  # noqa: PLC0415

    try:
        crs = pyproj.CRS.from_user_input(definition)
    except (CRSError, TypeError) as error:
        raise ConfigurationError(
            f"{where}: the CRS {str(definition)[:80]!r} is not known; export it again as EPSG:4326"
        ) from error
    while crs.is_compound:
        crs = crs.sub_crs_list[0]
    return crs


def to_degrees(crs: pyproj.CRS, where: str) -> ToDegrees:
    """Return the transformation from a CRS to WGS 84 degrees, with the grids that PROJ includes.

    Raises:
        ConfigurationError: the CRS is not one of places on Earth; the message begins with
            ``where``.
    """
    import pyproj  # noqa: PLC0415 - as above
    from pyproj.exceptions import ProjError  # noqa: PLC0415

    try:
        transformer = pyproj.Transformer.from_crs(crs, DEGREES, always_xy=True)
    except ProjError as error:
        raise ConfigurationError(
            f"{where}: the CRS {crs.name!r} is not one of places on Earth; export it again as"
            " EPSG:4326"
        ) from error

    def convert(x: Coordinates, y: Coordinates) -> tuple[Coordinates, Coordinates]:
        longitude, latitude = transformer.transform(x, y)
        is_place = np.isfinite(longitude) & np.isfinite(latitude)
        return np.where(is_place, longitude, np.nan), np.where(is_place, latitude, np.nan)

    return convert
