"""Joins nearby positions on the sphere, without comparing all pairs.

Positions are points in space, in cells whose diagonal is the distance: points in one cell are near,
and near points are at most two cells apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Protocol

import numpy as np
import numpy.typing as npt

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""

MOST_METRES = 100_000.0
"""Beyond this distance in metres, a chord is noticeably shorter than the distance over ground."""

_AHEAD = [step for step in product(range(-2, 3), repeat=3) if step > (0, 0, 0)]

Position = tuple[float | None, float | None]
Point = tuple[float, float, float]


class Joins(Protocol):
    """Receives pairs of positions that belong together."""

    def join(self, thing: int, other: int) -> None:
        """Join two positions."""
        ...


def join_near(clusters: Joins, positions: Sequence[Position], metres: float) -> set[int]:
    """Join positions (latitude, longitude) at most this far apart, directly or through others.

    Returns the rows with a valid position.

    Raises:
        ValueError: the distance is not between 0 and ``MOST_METRES``.
    """
    if not 0 < metres <= MOST_METRES:
        raise ValueError(f"the distance must be above 0 and at most {MOST_METRES} m")
    edge = metres / math.sqrt(3)
    cells: dict[tuple[int, int, int], list[int]] = {}
    points: dict[int, Point] = {}
    for row, position in enumerate(positions):
        point = _point(position)
        if point is not None:
            points[row] = point
            cell = (int(point[0] // edge), int(point[1] // edge), int(point[2] // edge))
            cells.setdefault(cell, []).append(row)
    arrays = {cell: np.array([points[row] for row in rows]) for cell, rows in cells.items()}
    for (x, y, z), rows in cells.items():
        for row in rows[1:]:
            clusters.join(rows[0], row)
        for dx, dy, dz in _AHEAD:
            there = (x + dx, y + dy, z + dz)
            if there in cells and _touch(arrays[x, y, z], arrays[there], metres):
                clusters.join(rows[0], cells[there][0])
    return set(points)


def _point(position: Position) -> Point | None:
    latitude, longitude = position
    if latitude is None or longitude is None:
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # and NaN is neither
        return None
    north, east = math.radians(latitude), math.radians(longitude)
    flat = EARTH_RADIUS_M * math.cos(north)
    return (flat * math.cos(east), flat * math.sin(east), EARTH_RADIUS_M * math.sin(north))


def _touch(some: npt.NDArray[np.float64], others: npt.NDArray[np.float64], metres: float) -> bool:
    """Return whether any point of one set is near any point of the other; stops at the first."""
    limit = metres**2
    return any(bool((((others - point) ** 2).sum(axis=1) <= limit).any()) for point in some)
