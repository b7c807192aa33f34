"""The libraries that the page ships are the pinned ones, byte for byte, with their licences."""

from __future__ import annotations

import json

import shapely
import shapely.geometry

from scripts.vendored_assets import HASHES, PACKAGES, VENDOR, hash_list, land_outlines

TWO_SQUARES = {
    "transform": {"scale": [0.5, 0.5], "translate": [10, 20]},
    "arcs": [[[0, 0], [2, 0], [0, 2]], [[2, 2], [-2, 0], [0, -2]]],
    "objects": {"land": {"type": "MultiPolygon", "arcs": [[[0, 1]], [[~1, ~0]]]}},
}


def test_each_file_has_the_hash_of_the_list() -> None:
    assert json.loads(HASHES.read_text()) == hash_list()


def test_the_folder_has_no_file_that_the_list_lacks() -> None:
    listed = {f"{package.name}/{name}" for package in PACKAGES for name in package.files.values()}
    files = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert files == listed | {HASHES.name}


def test_each_package_has_its_licence_beside_it() -> None:
    for package in PACKAGES:
        assert any(name.startswith("LICENSE") for name in package.files.values()), package.name


def test_outlines_follow_arcs_in_both_directions() -> None:
    outlines = json.loads(land_outlines(json.dumps(TWO_SQUARES).encode()))

    square = [[10, 20], [11, 20], [11, 21], [10, 21], [10, 20]]
    assert outlines["coordinates"] == [[square], [square[::-1]]]


def test_the_land_has_cities_and_no_ocean() -> None:
    text = (VENDOR / "world-atlas" / "land.json").read_text()
    land = shapely.make_valid(shapely.geometry.shape(json.loads(text)))

    for city in ((2.35, 48.86), (139.69, 35.69), (-58.4, -34.6)):
        assert land.contains(shapely.Point(city))
    for sea in ((-30, 40), (-140, 0), (75, -20)):
        assert not land.contains(shapely.Point(sea))
