"""A fictional town: where its assets stand, which way the camera looks, when it came by."""

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

#: The middle of the town, in degrees, and half its width and height, in metres.
CENTRE = (52.09, 5.12)
_REACH_M = 1800.0
_METRES_PER_DEGREE = 111_320.0
_FIRST_DAY = dt.datetime(2025, 3, 3, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TownPlace:
    """A point beside a street: degrees, and the street's heading in degrees from north."""

    latitude: float
    longitude: float
    heading: float

    def moved(self, forward_m: float) -> "TownPlace":
        """The point so many metres further along the street."""
        angle = math.radians(self.heading)
        return TownPlace(
            self.latitude + forward_m * math.cos(angle) / _METRES_PER_DEGREE,
            self.longitude + forward_m * math.sin(angle) / _metres_per_degree_east(),
            self.heading,
        )


def _metres_per_degree_east() -> float:
    return _METRES_PER_DEGREE * math.cos(math.radians(CENTRE[0]))


def place_of(seed: int, asset: int) -> TownPlace:
    """Where an asset stands: along one of 28 streets, a few metres beside its middle.

    Nine streets run east, nine north, and ten from the centre outwards, all a little bent.
    """
    rng = np.random.default_rng((seed, asset, 7))
    street = int(rng.integers(28))
    along, beside = float(rng.uniform(-1, 1)), float(rng.choice([-4.5, 4.5]))
    if street < 18:
        offset = (street % 9 - 4) * _REACH_M / 4.6 + 60 * math.sin(3 * along + street)
        east, north, heading = along * _REACH_M, offset + beside, 90.0
        if street >= 9:
            east, north, heading = offset + beside, along * _REACH_M, 0.0
    else:
        angle = (street - 18) * 2 * math.pi / 10 + 0.2 + 0.1 * along
        radius = (0.25 + 0.75 * abs(along)) * _REACH_M
        east = radius * math.sin(angle) + beside * math.cos(angle)
        north = radius * math.cos(angle) - beside * math.sin(angle)
        heading = math.degrees(angle)
    return TownPlace(
        CENTRE[0] + north / _METRES_PER_DEGREE,
        CENTRE[1] + east / _metres_per_degree_east(),
        heading % 360,
    )


def capture_moment(rng: Generator, *, night: bool) -> dt.datetime:
    """A moment of capture (UTC, whole seconds) whose hour agrees with the light."""
    day = _FIRST_DAY + dt.timedelta(days=int(rng.integers(0, 180)))
    hour = float(rng.uniform(21.5, 27.5)) if night else float(rng.uniform(7.5, 17.5))
    return day + dt.timedelta(seconds=round(hour * 3600))
