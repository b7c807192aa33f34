"""Positions as points in well-known binary, for geometry columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

_LITTLE_ENDIAN = 1
_NOWHERE = (np.nan, np.nan)


def coordinates_of(positions: Sequence[tuple[float, float] | None]) -> npt.NDArray[np.float64]:
    """Return longitudes and latitudes, shape (n, 2); NaN where there is no position."""
    return np.array([place or _NOWHERE for place in positions], np.float64).reshape(-1, 2)


def wkb_points(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Return a point for each row of ``coordinates_of``; ``None`` where there is no position."""
    points = shapely.points(coordinates)
    points[np.isnan(coordinates[:, 0])] = None
    geometries: npt.NDArray[Any] = shapely.to_wkb(points, byte_order=_LITTLE_ENDIAN)
    return geometries
