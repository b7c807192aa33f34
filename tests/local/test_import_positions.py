"""Positions of imported tables: any encoding comes back, or is refused by name; none is dropped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import orjson
import pandas as pd  # type: ignore[import-untyped]  # no stubs among our dependencies
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.cli.views.importing import print_import
from sightline.errors import ConfigurationError
from sightline.local.importing.points import points_of
from sightline.local.importing.values import PLAIN_NUMBERS
from tests.local.imports import reasons
from tests.local.tables import Folder, csv_of, needed

AMERSFOORT = (52.1551723, 5.38720351)
POINT = shapely.Point(4.89, 52.37)


def points(*places: tuple[float, float], crs: str) -> geopandas.GeoDataFrame:
    """A table of points, given as latitude and longitude, in another CRS."""
    at = geopandas.points_from_xy(*zip(*(place[::-1] for place in places), strict=True))
    frame = geopandas.GeoDataFrame(needed(len(places)), geometry=at, crs="EPSG:4326")
    return frame.to_crs(crs)


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
@pytest.mark.parametrize(
    "crs", ["EPSG:4326", "OGC:CRS84", "EPSG:28992", "EPSG:3857", "EPSG:25832", "EPSG:4258"]
)
def test_a_geoparquet_has_its_positions_whatever_its_crs(
    folder: Folder, crs: str, encoding: str
) -> None:
    places = [(52.0, 6.0), (52.5, 6.75)]
    file = folder.root / "survey.parquet"
    points(*places, crs=crs).to_parquet(file, geometry_encoding=encoding)
    report = folder.load_file(file)
    assert (report.imported, report.without_position, report.unused_columns) == (2, 0, ())
    assert np.allclose(folder.places(), places, rtol=0, atol=1e-7)


def test_the_bounds_of_geometries_in_a_geoparquet_are_no_pixel_bounds(folder: Folder) -> None:
    file = folder.root / "survey.parquet"
    points((52.0, 6.0), crs="EPSG:4326").to_parquet(file, write_covering_bbox=True)
    report = folder.load_file(file)
    assert (report.refused_count, report.unused_columns) == (0, ())
    assert [row["bbox"] for row in folder.rows()] == [None]


def test_a_geometry_column_of_any_name_is_found_by_what_the_file_declares(folder: Folder) -> None:
    file = folder.root / "survey.parquet"
    points((52.0, 6.0), crs="EPSG:28992").rename_geometry("standort").to_parquet(file)
    folder.load_file(file)
    assert np.allclose(folder.places(), [(52.0, 6.0)], rtol=0, atol=1e-7)


def test_missing_and_empty_points_are_counted(folder: Folder) -> None:
    frame = points((52.0, 6.0), (1.0, 1.0), (1.0, 1.0), crs="EPSG:4326")
    frame["geometry"] = [POINT, None, shapely.Point()]
    frame.to_parquet(folder.root / "survey.parquet")
    report = folder.load_file(folder.root / "survey.parquet")
    assert (report.imported, report.without_position, report.refused_count) == (3, 2, 0)
    assert folder.positions() == [(52.37, 4.89), (None, None), (None, None)]


def test_a_geometry_that_is_no_point_is_refused_and_the_others_are_not(folder: Folder) -> None:
    frame = points((1.0, 1.0), (1.0, 1.0), (1.0, 1.0), crs="EPSG:4326")
    frame["geometry"] = [POINT, shapely.box(0, 0, 1, 1), shapely.MultiPoint([POINT])]
    frame.to_parquet(folder.root / "survey.parquet")
    report = folder.load_file(folder.root / "survey.parquet")
    assert [(refusal.where, refusal.detail) for refusal in report.refusals] == [
        ("row 2", "geometry: a Polygon is not a point; export its centre instead")
    ]
    assert folder.positions() == [(52.37, 4.89)] * 2


def test_a_place_outside_of_its_crs_is_refused(folder: Folder) -> None:
    frame = points((1.0, 1.0), crs="EPSG:4326").set_crs("EPSG:25832", allow_override=True)
    frame["geometry"] = [shapely.Point(1e30, 1e30)]
    frame.to_parquet(folder.root / "survey.parquet")
    report = folder.load_file(folder.root / "survey.parquet")
    assert reasons(report) == [("row 1", "bad_position")]
    assert "is outside ETRS89 / UTM zone 32N" in report.refusals[0].detail


def test_a_crs_of_no_place_on_earth_is_refused_before_anything_is_read(folder: Folder) -> None:
    frame = points((1.0, 1.0), crs="EPSG:4326")
    local = """ENGCRS["Site",EDATUM["Site"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],
        LENGTHUNIT["metre",1]]"""
    frame.set_crs(local, allow_override=True).to_parquet(folder.root / "survey.parquet")
    with pytest.raises(ConfigurationError, match="'Site' is not one of places on Earth"):
        folder.load_file(folder.root / "survey.parquet")


@pytest.mark.parametrize("has_crs", [True, False])
def test_a_file_that_declares_no_crs_takes_the_given_one(folder: Folder, has_crs: bool) -> None:
    frame = points(AMERSFOORT, crs="EPSG:28992").set_crs(None, allow_override=True)
    frame.to_parquet(folder.root / "survey.parquet")
    report = folder.load_file(folder.root / "survey.parquet", crs="EPSG:28992" if has_crs else None)
    assert report.refused_count == (0 if has_crs else 1)
    if not has_crs:
        assert "not between -90 and 90" in report.refusals[0].detail


def test_logical_types_of_parquet_are_geometry_with_their_crs() -> None:
    class Column:
        def __init__(self, path: str, logical: str) -> None:
            self.path = path
            self.logical_type = self
            self._logical = logical

        def to_json(self) -> str:
            return self._logical

    class Schema(list[Column]):
        def column(self, index: int) -> Column:
            return self[index]

    from sightline.local.importing.geometry_columns import declared_geometry

    names = ["a", "b", "c", "d"]
    schema = pa.schema([(name, pa.binary()) for name in names], metadata={"key": "{}"})
    parquet = Schema(
        Column(name, logical)
        for name, logical in zip(
            names,
            ['{"Type":"Geometry"}', '{"Type":"Geography","crs":"srid:28992"}', '{"Type":"String"}',
             '{"Type":"Geometry","crs":"projjson:key"}'],
            strict=True,
        )
    )  # fmt: skip
    assert declared_geometry(schema, parquet).crs == {
        "a": "OGC:CRS84", "b": "EPSG:28992", "d": "{}",
    }  # fmt: skip


def encodings(longitude: float, latitude: float) -> dict[str, object]:
    """The same point in every encoding that a column of geometry may have."""
    point = shapely.Point(longitude, latitude)
    with_srid = shapely.set_srid(point, 4326)
    text = shapely.to_wkt(point, rounding_precision=-1)
    pair = {"lat": latitude, "lng": longitude}
    return {
        "WKB": shapely.to_wkb(point),
        "big-endian WKB": shapely.to_wkb(point, byte_order=0),
        "EWKB": shapely.to_wkb(with_srid, include_srid=True),
        "hexadecimal EWKB": shapely.to_wkb(with_srid, hex=True, include_srid=True),
        "hexadecimal bytes": shapely.to_wkb(point, hex=True).lower().encode(),
        "WKT": text,
        "WKT as BigQuery prints it": f"POINT({longitude!r} {latitude!r})",
        "EWKT": f"SRID=4326;{text}",
        "WKT of three dimensions": f"POINT Z ({longitude!r} {latitude!r} 12)",
        "GeoJSON": shapely.to_geojson(point),
        "GeoJSON feature": json.dumps(
            {"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(point))}
        ),
        "lat, lng": orjson.dumps(pair).decode(),
        "Latitude, Longitude": {"Latitude": latitude, "Longitude": longitude},
        "_latitude": {"_latitude": latitude, "_longitude": longitude},
        "x, y": {"x": longitude, "y": latitude},
        "texts": {"LAT": repr(latitude), "LON": repr(longitude)},
    }


@given(st.floats(-180, 180), st.floats(-90, 90))
@settings(max_examples=60, deadline=None)
def test_a_position_in_any_encoding_comes_back(longitude: float, latitude: float) -> None:
    values = encodings(longitude, latitude)
    refused: list[str] = []
    read = points_of([*values.values()], PLAIN_NUMBERS, lambda _, text: refused.append(text))
    assert not refused
    for name, point in zip(values, read, strict=True):
        assert abs(point.x - longitude) < 1e-7, name
        assert abs(point.y - latitude) < 1e-7, name


@given(st.one_of(st.text(), st.binary(), st.integers(), st.dictionaries(st.text(), st.floats()),
                 st.lists(st.floats()), st.booleans()))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_what_is_not_empty_is_a_point_or_is_refused(value: object) -> None:
    refused: list[str] = []
    (point,) = points_of([value], PLAIN_NUMBERS, lambda _, detail: refused.append(detail))
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    is_empty = value == {} or (isinstance(text, str) and text.strip() in {"", "null", "{}", '""'})
    assert (point is None) == (is_empty or bool(refused))


@pytest.mark.parametrize("column", ["geometry", "location", "Geom", "THE_GEOM", "geog", "wkt"])
@pytest.mark.parametrize("name", [n for n, v in encodings(4.89, 52.37).items() if type(v) is str])
def test_a_csv_has_its_points_in_a_column_of_many_names(
    folder: Folder, column: str, name: str
) -> None:
    text = str(encodings(4.89, 52.37)[name]).replace('"', '""')
    report = folder.load(csv_of(column, f'"{text}"'))
    assert (report.without_position, report.unused_columns) == (0, ())
    assert folder.positions() == [pytest.approx((52.37, 4.89), abs=1e-9)]


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [("lat", "lon"), ("LAT", "LNG"), ("Latitude", "Long"), ("GPS Latitude", "GPS Longitude"),
     ("location.lat", "location.lng"), ("y", "x"), ("POINT_Y", "POINT_X"), ("lat", "longitude")],
)  # fmt: skip
def test_two_columns_of_coordinates_may_have_many_names(
    folder: Folder, latitude: str, longitude: str
) -> None:
    report = folder.load(csv_of(f"{latitude};{longitude};comment", "52.37;4.89;x", ";;"))
    assert (report.without_position, report.unused_columns) == (1, ("comment",))
    assert folder.positions() == [(52.37, 4.89), (None, None)]


@pytest.mark.parametrize(
    "value",
    [
        {"lat": 52.37, "lng": 4.89},
        {"Latitude": 52.37, "Longitude": 4.89},
        {"x": 4.89, "y": 52.37},
        {"type": "Point", "coordinates": [4.89, 52.37]},
    ],
)
def test_a_struct_of_known_keys_is_a_position(folder: Folder, value: dict[str, Any]) -> None:
    report = folder.load_columns({"location": [value, None]})
    assert (report.without_position, report.refused_count) == (1, 0)
    assert folder.positions() == [(52.37, 4.89), (None, None)]


def test_a_struct_in_which_no_key_is_known_is_refused(folder: Folder) -> None:
    report = folder.load_columns({"location": [{"breite": 52.37, "laenge": 4.89}, None]})
    assert [(refusal.where, refusal.reason, refusal.detail) for refusal in report.refusals] == [
        ("row 1", "bad_position",
         "location: no key of latitude and longitude is known among breite, laenge"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("52.37, 4.89", "does not say which number is the latitude"),
        ("[4.89, 52.37]", "does not say which number is the latitude"),
        ("POINT(4.89", "is not valid well-known text"),
        ("01010000", "is not WKT, WKB or GeoJSON"),
        ("Main Street 5", "is not WKT, WKB or GeoJSON"),
        ('{"street": "Main"}', "no key of latitude and longitude is known among street"),
        ('{"lat": 52.37}', "no key of latitude and longitude"),
        ('{"lat": 52.37, "lng": null}', "must both be given"),
        ('{"type": "Point", "coordinates": ["a"]}', "is not valid GeoJSON"),
        ("LINESTRING(0 0, 1 1)", "a LineString is not a point"),
        ("SRID=99999;POINT(1 2)", "the CRS 'EPSG:99999' is not known"),
        ("POINT(52.37 104.89)", "latitude 104.89 is not between -90 and 90"),
        ("{broken", "is not JSON; give POINT(5.12 52.09), or an object such as"),
    ],
)
def test_what_is_no_position_is_refused_by_name(folder: Folder, text: str, says: str) -> None:
    quoted = text.replace('"', '""')
    report = folder.load(csv_of("geometry", f'"{quoted}"', "POINT(4.89 52.37)"))
    assert reasons(report) == [("row 2", "bad_position")]
    assert says in report.refusals[0].detail
    assert folder.positions() == [(52.37, 4.89)]


@pytest.mark.parametrize(
    "value",
    [
        "SRID=28992;POINT(155000 463000)",
        shapely.to_wkb(
            shapely.set_srid(shapely.Point(155000, 463000), 28992), hex=True, include_srid=True
        ),
        json.dumps(
            {
                "type": "Point",
                "coordinates": [155000, 463000],
                "crs": {"type": "name", "properties": {"name": "EPSG:28992"}},
            }
        ),
    ],
)
def test_a_value_that_names_its_crs_is_reprojected(folder: Folder, value: str) -> None:
    quoted = value.replace('"', '""')
    folder.load(csv_of("geom", f'"{quoted}"', "POINT(4.89 52.37)"))
    assert folder.positions() == [pytest.approx(AMERSFOORT, abs=1e-5), (52.37, 4.89)]


@pytest.mark.parametrize(
    ("header", "columns"),
    [("x;y", {}), ("Easting;Northing", {}),
     ("rechts;hoch", {"longitude": "rechts", "latitude": "hoch"})],
)  # fmt: skip
def test_coordinates_of_a_given_crs_are_reprojected(
    folder: Folder, header: str, columns: dict[str, str]
) -> None:
    folder.load(csv_of(header, "155000;463000"), crs="EPSG:28992", columns=columns)
    assert folder.positions() == [pytest.approx(AMERSFOORT, abs=1e-5)]


def test_projected_coordinates_without_a_crs_are_refused(folder: Folder) -> None:
    report = folder.load(csv_of("x;y", "155000;463000"))
    assert reasons(report) == [("row 2", "bad_position")]
    assert report.refusals[0].detail.endswith("if it is not in degrees, give its --crs")


def test_a_crs_that_is_not_known_or_that_nothing_needs_is_an_error(folder: Folder) -> None:
    with pytest.raises(ConfigurationError, match="--crs 'RD' is not known; give a code, such as"):
        folder.load(csv_of("x;y", "1;2"), crs="RD")
    with pytest.raises(ConfigurationError, match="has no coordinates without a CRS"):
        folder.load(csv_of("lat;lon", "1;2"), crs="EPSG:28992")


def test_one_column_of_two_coordinates_is_an_error_with_the_remedy(folder: Folder) -> None:
    with pytest.raises(ConfigurationError) as caught:
        folder.load(csv_of("lat;Laenge", "1;2"))
    assert "has lat for latitude, and no column for longitude" in str(caught.value)
    assert str(caught.value).endswith("give --column longitude=OTHER")


def test_two_columns_that_differ_by_case_are_asked_about(folder: Folder) -> None:
    with pytest.raises(ConfigurationError, match="'Lat' and 'LAT' may both be lat"):
        folder.load(csv_of("Lat;LAT;lon", "1;2;3"))


def test_a_row_takes_its_position_from_the_first_column_that_has_one(folder: Folder) -> None:
    folder.load(csv_of("lat;lon;geometry", "1;2;POINT(9 9)", ";;POINT(4 3)", ";;"))
    assert folder.positions() == [(1.0, 2.0), (3.0, 4.0), (None, None)]


def test_the_report_says_how_many_have_no_position_and_what_was_not_read(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    print_import(folder.load(csv_of("lat;lon;Breite;note", "1;2;3;x", ";;3;x")))
    shown = capsys.readouterr().out
    assert "1 without a position; unused columns: Breite, note\n" in shown
    print_import(folder.load(csv_of("lat;lon", "1;2")))
    assert "0 without a position\n" in capsys.readouterr().out


def test_the_names_of_needed_columns_are_found_in_any_case(folder: Folder) -> None:
    folder.load("OBSERVATION_ID,Asset_Type,GCS_URI\na,T,gs://b/o\n")
    assert [row["observation_id"] for row in folder.rows()] == ["a"]


def test_a_table_as_pandas_writes_it_has_its_positions(folder: Folder) -> None:
    frame = pd.DataFrame({**needed(2), "Lat": [52.37, None], "Lon": [4.89, None], "note": "x"})
    for name, write in (("t.csv", frame.to_csv), ("t.parquet", frame.to_parquet)):
        written: Callable[..., object] = write
        written(folder.root / name, index=False)
        report = folder.load_file(folder.root / name)
        assert (report.without_position, report.unused_columns) == (1, ("note",))
    assert folder.positions() == [(52.37, 4.89), (None, None)]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("bbox", '"{""x"":1,""y"":2,""width"":3,""height"":4}"'),
        ("BBox", '"{""left"":1,""top"":2,""Width"":3,""Height"":4}"'),
        ("bbox", '"{""xmin"":1,""ymin"":2,""xmax"":4,""ymax"":6}"'),
        ("bbox_x;bbox_y;bbox_width;bbox_height", "1;2;3;4"),
        ("bbox_left;bbox_top;bbox_width;bbox_height", "1;2;3;4"),
        ("x;y;width;height", "1;2;3;4"),
        ("xmin;ymin;xmax;ymax", "1;2;4;6"),
    ],
)
def test_pixel_bounds_may_be_edges_or_a_corner_and_the_size(
    folder: Folder, header: str, cells: str
) -> None:
    report = folder.load(csv_of(header, cells))
    assert (report.refused_count, report.unused_columns, report.without_position) == (0, (), 1)
    (row,) = folder.rows()
    assert json.loads(row["bbox"]) == {"x_min": 1, "y_min": 2, "x_max": 4, "y_max": 6}


@pytest.mark.parametrize(
    ("header", "cell", "reason", "says"),
    [
        ("bbox", '{"a": 1}', "bad_bbox", "no key of bounds is known among a"),
        ("bbox", '{"x": 1, "y": 2}', "bad_bbox", "is missing"),
        ("bbox", '{"x": 1, "y": 2, "width": -3, "height": 4}', "bad_bbox", "inside out"),
        ("bbox", "[1, 2, 3, 4]", "bad_bbox", "is not an object; give"),
        ("camera_pose", '{"yaw": 1}', "bad_camera_pose", "no key of a pose is known among yaw"),
    ],
)
def test_an_object_that_is_not_understood_is_refused(
    folder: Folder, header: str, cell: str, reason: str, says: str
) -> None:
    quoted = cell.replace('"', '""')
    report = folder.load(csv_of(header, f'"{quoted}"', '"{}"'))
    assert reasons(report) == [("row 2", reason)]
    assert says in report.refusals[0].detail
    assert report.imported == 1


def test_geoarrow_without_geopandas_metadata_has_its_crs(folder: Folder) -> None:
    crs = pyproj.CRS("EPSG:28992").to_json()
    geometry = pa.field(
        "shape",
        pa.list_(pa.float64(), 2),
        metadata={"ARROW:extension:name": "geoarrow.point",
                  "ARROW:extension:metadata": f'{{"crs":{crs}}}'},
    )  # fmt: skip
    base = pa.table(needed(1))
    places = pa.array([[155000.0, 463000.0]], geometry.type)
    pq.write_table(base.append_column(geometry, places), folder.root / "t.parquet")
    folder.load_file(folder.root / "t.parquet")
    assert folder.positions() == [pytest.approx(AMERSFOORT, abs=1e-5)]


def test_what_sightline_exports_can_be_imported(folder: Folder, tmp_path: Path) -> None:
    """The covering of its GeoParquet is not taken for pixel bounds."""
    from sightline.export.parquet_table import geo_metadata

    edges = {"xmin": 4.89, "ymin": 52.37, "xmax": 4.89, "ymax": 52.37}
    table = pa.table({**needed(1), "geometry": [shapely.to_wkb(POINT)], "bbox": [edges]})
    geo = json.dumps(geo_metadata([4.89, 52.37, 4.89, 52.37]))
    pq.write_table(table.replace_schema_metadata({"geo": geo}), tmp_path / "t.parquet")
    folder.load_file(tmp_path / "t.parquet")
    assert folder.positions() == [(52.37, 4.89)]
    assert folder.rows()[0]["bbox"] is None
