"""Filters as people write them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from sightline.errors import ConfigurationError
from sightline.filters import build_filter
from sightline.model import BoundingBox, Filter, Radius

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}
OTHER = {"type": "Polygon", "coordinates": [[[1, 0], [3, 0], [3, 2], [1, 2], [1, 0]]]}


def test_nothing_named_means_all() -> None:
    assert build_filter() == Filter()


def test_every_form_is_understood() -> None:
    assert build_filter(
        asset_types=["road-sign", "ASSET_CLASS_UTILITY_POLE", "road_sign"],
        captured_from="2026-05-01",
        captured_until="2026-05-02T10:00+02:00",
        box="5.1,52.0,5.2,52.1",
        near="52.09, 5.12, 500",
        limit=10,
    ) == Filter(
        asset_types=("ASSET_CLASS_ROAD_SIGN", "ASSET_CLASS_UTILITY_POLE"),
        captured_from=datetime(2026, 5, 1, tzinfo=UTC),
        captured_until=datetime(2026, 5, 2, 8, tzinfo=UTC),
        box=BoundingBox(5.1, 52.0, 5.2, 52.1),
        radius=Radius(52.09, 5.12, 500.0),
        limit=10,
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"captured_from": "yesterday"}, "--from 'yesterday' is not a valid time"),
        ({"captured_until": "2026-13-01"}, "--until '2026-13-01' is not a valid time"),
        ({"box": "1,2,3"}, "--box '1,2,3' is not accepted; give WEST,SOUTH,EAST,NORTH"),
        (
            {"box": "1,5,3,4"},
            "its south, 5, is greater than its north, 4 (did you mean 1,4,3,5?); give WEST,SOUTH",
        ),
        ({"box": "1,5,300,4"}, "is not a valid box in degrees"),
        (
            {"box": "-33.9,151.1,-33.8,151.3"},
            "latitude and longitude are exchanged (did you mean 151.1,-33.9,151.3,-33.8?)",
        ),
        ({"box": "1,2,3,nan"}, "--box '1,2,3,nan' is not accepted"),
        ({"near": "195,0,10"}, "is not a valid circle"),
        (
            {"near": "151.2,-33.9,10"},
            "latitude and longitude are exchanged (did you mean -33.9,151.2,10?)",
        ),
        (
            {"captured_from": "2026-05-02", "captured_until": "2026-05-01"},
            "--from 2026-05-02 is not before --until 2026-05-01",
        ),
        ({"captured_from": "2026-05-01", "captured_until": "2026-05-01"}, "is not before"),
        ({"near": "52,5,0"}, "is not a valid circle"),
        ({"near": "here"}, "give LAT,LON,METRES"),
        ({"limit": 0}, "--limit 0 is not accepted"),
        ({"asset_types": [" "]}, "--asset-type is empty"),
    ],
)
def test_a_mistake_names_the_option_and_an_accepted_form(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        build_filter(**options)


def test_the_polygons_of_a_file_are_one_area(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    path.write_text(json.dumps({"type": "GeometryCollection", "geometries": [SQUARE, OTHER]}))
    wkt = build_filter(polygon=path).polygon_wkt
    assert wkt is not None
    assert shapely.from_wkt(wkt).equals(shapely.box(0, 0, 3, 2))


def test_a_polygon_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        build_filter(polygon=tmp_path / "no.geojson")
