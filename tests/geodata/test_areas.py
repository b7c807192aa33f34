"""Areas in files: what is understood, what is mended, and what is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import mapping

from sightline.errors import ConfigurationError
from sightline.geodata.areas import read_area
from sightline.geodata.polygons import (
    POLAR,
    exchanged,
    parse_polygon,
    surrounded_poles,
    without_seams,
)


def polygon(*rings: object) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [*rings]}


SQUARE = polygon([[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]])
OTHER = polygon([[1, 0], [3, 0], [3, 2], [1, 2], [1, 0]])
EMPTY = polygon()
POINT = {"type": "Point", "coordinates": [9, 9]}
UTRECHT = shapely.box(5.0, 52.0, 5.2, 52.2)


def feature(geometry: object, **members: object) -> dict[str, object]:
    return {"type": "Feature", "properties": None, "geometry": geometry, **members}


def collection(*geometries: object, **members: object) -> dict[str, object]:
    listed = [feature(geometry) for geometry in geometries]
    return {"type": "FeatureCollection", "features": listed, **members}


def of_geometries(*members: object) -> dict[str, object]:
    return {"type": "GeometryCollection", "geometries": list(members)}


def named(crs: str) -> dict[str, object]:
    return {"type": "name", "properties": {"name": crs}}


def box(west: float, south: float, east: float, north: float) -> dict[str, object]:
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return polygon(corners)


def area_of(folder: Path, *documents: object, separator: str = "\n") -> shapely.Geometry:
    path = folder / "area.geojson"
    path.write_text(separator.join(map(json.dumps, documents)), encoding="utf-8")
    area = read_area(path, "--polygon")
    assert parse_polygon(area.wkt).equals_exact(area, 1e-12), "every engine takes it"
    west, south, east, north = area.bounds
    assert west >= -180
    assert east <= 180
    assert max(abs(south), abs(north)) <= 90
    return area


def inside(area: shapely.Geometry, longitude: float, latitude: float) -> bool:
    """Return whether a position is inside, as the local engine tests it."""
    return bool(shapely.contains_xy(without_seams(area), longitude, latitude))


@pytest.mark.parametrize(
    "document",
    [
        SQUARE,
        feature(SQUARE),
        of_geometries(SQUARE),
        of_geometries(of_geometries(of_geometries(SQUARE), EMPTY), POINT),
        {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], []]},
        collection(None, EMPTY, of_geometries(), SQUARE, POINT),
        {"type": "FeatureCollection", "features": [collection(SQUARE), feature(None)]},
        {
            "type": "Polygon",
            "coordinates": [[[0, 0, 7], [2, 0, 8, 9], [2, 2, 7], [0, 2], [0, 0, 7]]],
        },
        SQUARE | {"crs": None},
        collection(SQUARE, crs=named("urn:ogc:def:crs:OGC:1.3:CRS84")),
        collection(SQUARE, crs=named("EPSG:4326")),
        collection(SQUARE, crs={"type": "EPSG", "properties": {"code": 4326}}),
        collection(SQUARE, crs="EPSG:4258"),
    ],
)
def test_every_kind_of_document_is_an_area(tmp_path: Path, document: object) -> None:
    assert area_of(tmp_path, document).equals(shapely.box(0, 0, 2, 2))


def test_several_polygons_are_one_area(tmp_path: Path) -> None:
    assert area_of(tmp_path, collection(SQUARE, OTHER)).equals(shapely.box(0, 0, 3, 2))
    overlapping = [SQUARE["coordinates"], OTHER["coordinates"]]
    document = {"type": "MultiPolygon", "coordinates": overlapping}
    assert area_of(tmp_path, document).equals(shapely.box(0, 0, 3, 2))


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\n\n"])
def test_a_sequence_of_features_is_one_area(tmp_path: Path, separator: str) -> None:
    area = area_of(tmp_path, feature(SQUARE), feature(OTHER), separator=separator)
    assert area.equals(shapely.box(0, 0, 3, 2))


@pytest.mark.parametrize("count", [1, 2])
def test_a_sequence_with_record_separators_may_have_one_text(tmp_path: Path, count: int) -> None:
    path = tmp_path / "area.geojsons"
    path.write_text("".join(f"\x1e{json.dumps(feature(SQUARE))}\n" for _ in range(count)))
    assert read_area(path, "--polygon").equals(shapely.box(0, 0, 2, 2))


def test_a_byte_order_mark_is_none_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(SQUARE), encoding="utf-8-sig")
    assert read_area(path, "--polygon").equals(shapely.box(0, 0, 2, 2))


def test_a_hole_is_outside_and_a_ring_that_crosses_itself_is_mended(tmp_path: Path) -> None:
    square = SQUARE["coordinates"][0]
    hole = [[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [0.5, 1.5], [0.5, 0.5]]
    area = area_of(tmp_path, polygon(square, hole))
    assert area.equals(shapely.box(0, 0, 2, 2) - shapely.box(0.5, 0.5, 1.5, 1.5))
    beyond = [[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]
    area = area_of(tmp_path, polygon(square, beyond))
    assert area.equals(shapely.box(0, 0, 2, 2) - shapely.box(1, 1, 2, 2))
    bow = polygon([[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]])
    assert area_of(tmp_path, bow).area == pytest.approx(2)
    spike = {
        "type": "Polygon",
        "coordinates": [[[0, 0], [2, 0], [2, 2], [2, 9], [2, 2], [0, 2], [0, 0]]],
    }
    assert area_of(tmp_path, spike).equals(shapely.box(0, 0, 2, 2))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "is not GeoJSON: it is empty"),
        ("\ufeff", "is not GeoJSON: it is empty"),
        ("[]", "is not GeoJSON: there is a list where an object must be"),
        ("7", "there is a number where an object must be"),
        ("{}", "is not GeoJSON: an object in it has no type"),
        ({"type": "Polygone", "coordinates": []}, "is not GeoJSON: it has a 'Polygone'"),
        ({"type": ["Polygon"]}, "it has a ['Polygon']"),
        ({"type": "Topology", "objects": {}}, "it has a 'Topology'"),
        ({"type": "Polygon"}, "the coordinates of a Polygon are null, and must be a list"),
        ({"type": "Polygon", "coordinates": {}}, "are an object, and must be a list"),
        (polygon([1]), "are a number, and must be a list"),
        (polygon([[1], [1], [1], [1]]), "[1] in a Polygon is not a position"),
        (
            polygon([["5", "52"], [6, 52], [6, 53], ["5", "52"]]),
            '["5","52"] in a Polygon is not a position',
        ),
        (
            polygon([[None, 0], [1, 0], [1, 1], [None, 0]]),
            "[null,0] in a Polygon is not a position",
        ),
        (polygon([[0, 0], [2, 0], [0, 0]]), "fewer than four positions"),
        (polygon([[0, 0], [2, 0], [2, 2], [0, 2]]), "is not closed"),
        ({"type": "FeatureCollection"}, "the features of a FeatureCollection are null,"),
        ({"type": "FeatureCollection", "features": 7}, "are a number, not a list"),
        ({"type": "FeatureCollection", "features": [None]}, "there is null where an"),
        ({"type": "GeometryCollection", "geometries": [5]}, "there is a number where"),
        ({"type": "Feature", "geometry": "POINT (1 2)"}, "there is a text where an"),
        ({"type": "Feature"}, "contains no polygon; give"),
        (feature(None), "contains no polygon; give"),
        (EMPTY, "contains no polygon; give"),
        (collection(), "contains no polygon; give"),
        (POINT, "contains no polygon but 1 Point; give"),
        (
            collection(POINT, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, POINT),
            "contains no polygon but 1 LineString, 2 Point; give",
        ),
        (box(0, 0, 2, 0), "its polygons fill no area"),
        (SQUARE | {"crs": named("EPSG:999999")}, "the CRS 'EPSG:999999' is not known"),
        (SQUARE | {"crs": {"type": "link", "properties": {"href": "x"}}}, "has an unknown form"),
        (box(155_000, 463_000, 156_000, 464_000), "156000, 464000 are not degrees, and it does"),
        (box(556_597, 6_800_125, 578_861, 6_836_310), "are not degrees, and it does not"),
        (box(35.6, 139.6, 35.8, 139.8), "longitude are exchanged; give longitude first"),
        (box(-5, -95, 5, -93), "latitude and longitude are exchanged"),
        (box(0, 0, 400, 10), "400, 0 are not degrees"),
        (box(179, 0, -179, 1), "an edge of it is 358 degrees long: it crosses the antimeridian"),
        (box(-170, 0, 170, 1), "an edge of it is 340 degrees long"),
        ("[" * 100_000, "is not GeoJSON"),
        ('{"type":"Point","coordinates":[0,NaN]}', "is not GeoJSON: line 1, column"),
        ('{"type":"Feature"}\n{"type":', "text 2: line 1, column 9: unexpected end"),
    ],
)  # fmt: skip
def test_what_is_no_area_is_refused_in_own_words(
    tmp_path: Path, document: Any, message: str
) -> None:
    path = tmp_path / "area.geojson"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(ConfigurationError) as refusal:
        read_area(path, "--polygon")
    assert str(refusal.value).startswith(f"--polygon {path}: ")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps(SQUARE).encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "it is not text"),
    ],
)
def test_a_file_of_another_encoding_is_named_as_one(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "area.geojson"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        read_area(path, "--polygon")


@pytest.mark.parametrize("crs", ["EPSG:28992", "EPSG:3857", "EPSG:32631", "EPSG:3035", "EPSG:7415"])
def test_a_declared_crs_is_respected_along_straight_edges_too(tmp_path: Path, crs: str) -> None:
    forward = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    fine = shapely.segmentize(UTRECHT, 0.001)
    there = shapely.transform(fine, lambda at: np.column_stack(forward.transform(*at.T)))
    area = area_of(tmp_path, collection(mapping(there), crs=named(crs)))
    assert (area ^ UTRECHT).area < 1e-6 * UTRECHT.area
    corners = shapely.box(*there.bounds)
    document = collection(mapping(corners), crs=named(crs))
    back = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    middle = back.transform((corners.bounds[0] + corners.bounds[2]) / 2, corners.bounds[1])
    edge = shapely.Point(middle).distance(shapely.boundary(area_of(tmp_path, document)))
    assert edge < 1e-7, "a centimetre"


def test_the_crs_of_a_member_counts_for_it_alone(tmp_path: Path) -> None:
    mercator = box(0, 0, 222_638.98, 222_684.21) | {"crs": named("EPSG:3857")}
    area = area_of(tmp_path, collection(mercator, box(10, 10, 11, 11)))
    assert (area ^ (shapely.box(0, 0, 2, 2) | shapely.box(10, 10, 11, 11))).area < 1e-6


FIJI = [
    box(177, -20, 182, -16),
    box(-183, -20, -178, -16),
    collection(box(177, -20, 180, -16), box(-180, -20, -178, -16)),
    collection(box(177, -20, 180, -16), box(180, -20, 182, -16)),
    collection(box(19_703_549.9, -2_273_030.9, 20_260_147.4, -1_804_722.8), crs=named("EPSG:3857")),
    collection(box(177, -20, 182, -16), crs=named("EPSG:4326")),
]


@pytest.mark.parametrize("document", FIJI)
def test_an_area_across_the_antimeridian_has_both_halves(tmp_path: Path, document: object) -> None:
    area = area_of(tmp_path, document)
    for longitude in (177.5, 179.9, 180.0, -180.0, -179.5, -178.5):
        assert inside(area, longitude, -18), longitude
    for longitude in (176.5, -177.5, 0.0):
        assert not inside(area, longitude, -18), longitude
    assert not inside(area, 180.0, -15)
    assert area.area == pytest.approx(20, rel=1e-5)


@given(
    st.floats(-540, 180), st.floats(0.1, 170), st.floats(-85, 80), st.floats(0.1, 5),
    st.floats(-180, 180), st.floats(-89, 89),
)  # fmt: skip
def test_an_area_s_turn_makes_no_difference(
    tmp_path_factory: pytest.TempPathFactory,
    west: float, width: float, south: float, height: float, longitude: float, latitude: float,
) -> None:  # fmt: skip
    west = west if west >= -360 and west + width <= 360 else west % 180
    document = box(west, south, west + width, south + height)
    area = area_of(tmp_path_factory.getbasetemp(), document)
    expected = any(
        west + 1e-9 < longitude + turn < west + width - 1e-9
        and south + 1e-9 < latitude < south + height - 1e-9
        for turn in (-720, -360, 0, 360, 720)
    )
    on_edge = any(
        abs(longitude + turn - edge) < 1e-6
        for turn in (-720, -360, 0, 360, 720) for edge in (west, west + width)
    ) or min(abs(latitude - south), abs(latitude - south - height)) < 1e-6  # fmt: skip
    assert on_edge or inside(area, longitude, latitude) == expected


WORLD = [
    box(-180, -90, 180, 90),
    box(0, -90, 360, 90),
    collection(box(-180, -90, 0, 90), box(0, -90, 180, 90)),
]


@pytest.mark.parametrize("document", WORLD)
def test_the_whole_world_has_every_place(tmp_path: Path, document: object) -> None:
    area = area_of(tmp_path, document)
    assert area.equals(shapely.box(-180, -90, 180, 90))
    assert surrounded_poles(area) == (True, True)
    for longitude in (-180.0, -179.99, 0.0, 90.0, 180.0):
        for latitude in (-90.0, -89.999_999_99, 0.0, 45.0, 90.0):
            assert inside(area, longitude, latitude)


def test_web_mercator_s_world_ends_at_85_degrees(tmp_path: Path) -> None:
    end = 20_037_508.342_789_244
    area = area_of(tmp_path, collection(box(-end, -end, end, end), crs=named("EPSG:3857")))
    assert inside(area, 180.0, 85.0)
    assert inside(area, 7.0, -85.0)
    assert not inside(area, 7.0, 85.1)


def ring(crs: str, metres: float) -> dict[str, object]:
    circle = shapely.Point(0, 0).buffer(metres, quad_segs=64)
    return collection(mapping(circle), crs=named(crs))


@pytest.mark.parametrize(
    ("document", "pole"),
    [
        (box(-180, 70, 180, 90), 90),
        (box(-180, -90, 180, -70), -90),
        (ring("EPSG:3413", 2_200_000), 90),
        (ring("EPSG:3031", 2_200_000), -90),
    ],
)
def test_a_polar_cap_has_its_pole_and_no_seam(
    tmp_path: Path, document: object, pole: float
) -> None:
    area = area_of(tmp_path, document)
    assert surrounded_poles(area) == (pole < 0, pole > 0)
    for longitude in (-180.0, -100.0, 0.0, 45.0, 135.0, 180.0):
        assert inside(area, longitude, pole)
        assert inside(area, longitude, pole - np.sign(pole) * 5)
        assert not inside(area, longitude, pole - np.sign(pole) * 30)
        assert not inside(area, longitude, -pole)


def test_a_hole_around_a_pole_is_outside(tmp_path: Path) -> None:
    band = shapely.Point(0, 0).buffer(2_200_000) - shapely.Point(0, 0).buffer(1_100_000)
    area = area_of(tmp_path, collection(mapping(band), crs=named("EPSG:3031")))
    assert surrounded_poles(area) == (False, False)
    for longitude in (-180.0, -90.0, 0.0, 180.0):
        assert inside(area, longitude, -75)
        assert not inside(area, longitude, -85)


def test_more_than_a_half_of_the_globe_in_a_polar_projection_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="runs around a pole and crosses the equator"):
        area_of(tmp_path, ring("EPSG:3413", 12_800_000) | {
            "features": [feature(mapping(translate(shapely.Point(0, 0).buffer(12_800_000), 2e6)))]
        })  # fmt: skip


def test_exchanged_is_the_area_that_was_probably_meant() -> None:
    area = exchanged(shapely.box(52.0, 5.0, 52.2, 5.2))
    assert area is not None
    assert area.equals(UTRECHT)
    assert exchanged(shapely.box(139, 35, 140, 36)) is None
    assert POLAR < 90
