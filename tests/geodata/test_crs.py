"""Coordinates of any CRS as WGS 84 degrees."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest

from sightline.errors import ConfigurationError
from sightline.geodata.crs import parse_crs, to_degrees

AMERSFOORT = (155_000.0, 463_000.0)
"""The origin of the Dutch grid: 52° 09' 22.178" N, 5° 23' 15.500" E of Bessel (RDNAP)."""


def degrees(definition: object, x: float, y: float) -> tuple[float, float]:
    convert = to_degrees(parse_crs(definition, "a.gpkg"), "a.gpkg")
    longitude, latitude = convert(np.array([x]), np.array([y]))
    return float(longitude[0]), float(latitude[0])


@pytest.mark.parametrize(
    "definition",
    [
        "EPSG:28992",
        "urn:ogc:def:crs:EPSG::28992",
        "http://www.opengis.net/def/crs/EPSG/0/28992",
        28992,
        pyproj.CRS.from_epsg(28992).to_wkt("WKT1_ESRI"),
        pyproj.CRS.from_epsg(28992).to_json_dict(),
        "EPSG:7415",  # with heights
    ],
)
def test_a_crs_may_be_given_in_every_form(definition: object) -> None:
    assert degrees(definition, *AMERSFOORT) == pytest.approx(
        (5.387_203_657, 52.155_172_897), abs=1e-6
    )


@pytest.mark.parametrize("definition", ["EPSG:4326", "OGC:CRS84", "EPSG:4979"])
def test_degrees_of_wgs_84_stay_as_they_are_with_longitude_first(definition: str) -> None:
    assert degrees(definition, 5.123_456_789, 52.1) == (5.123_456_789, 52.1)


def test_web_mercator_is_reprojected() -> None:
    x, y, radius = 570_000.0, 6_816_000.0, 6_378_137.0
    expected = (math.degrees(x / radius), math.degrees(math.atan(math.sinh(y / radius))))
    assert degrees("EPSG:3857", x, y) == pytest.approx(expected)


def test_what_is_no_place_is_nan() -> None:
    assert np.isnan(degrees("EPSG:3857", np.inf, 0.0)).all()


@pytest.mark.parametrize("definition", ["EPSG:1", "nonsense", "", {"type": "CRS"}, None, [7]])
def test_an_unknown_crs_is_told_with_the_file(definition: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^a\.gpkg: the CRS .* export it again"):
        parse_crs(definition, "a.gpkg")


def test_a_crs_of_no_place_on_earth_is_told() -> None:
    plan = 'LOCAL_CS["building plan",UNIT["metre",1]]'
    with pytest.raises(ConfigurationError, match="'building plan' is not one of places on Earth"):
        degrees(plan, 1.0, 2.0)
