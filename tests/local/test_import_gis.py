"""GeoJSON, GeoPackages and Shapefiles, as GIS programs export them, become observations."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from sightline.errors import ConfigurationError, NotFoundError
from sightline.geodata.areas import read_area
from sightline.geodata.gis_files import meant_layer
from sightline.operations.importing import import_files
from sightline.settings import Settings
from tests.geodata.gis_samples import written, zipped
from tests.local.imports import reasons
from tests.local.tables import Folder

PLACES = [(52.155_172_9, 5.387_203_7), (52.2, 5.4), None]
TIME = "2026-05-01T10:30:00Z"


def frame(crs: str | None = "EPSG:4326", **more: list[object]) -> geopandas.GeoDataFrame:
    """Return three observations, of which the last has no position."""
    columns: dict[str, list[object]] = {
        "observation_id": ["a", "b", "c"],
        "asset_type": ["road_sign"] * 3,
        "gcs_uri": ["photos/a.jpg", "gs://bucket/s/v0/b.jpg", "gs://bucket/s/v0/c.jpg"],
        "capture_time": [TIME, TIME, None],
        **more,
    }
    points = [None if at is None else shapely.Point(at[1], at[0], 7.5) for at in PLACES]
    there = geopandas.GeoDataFrame(columns, geometry=points, crs="EPSG:4326")
    return there if crs == "EPSG:4326" else there.to_crs(crs)


def check(folder: Folder, path: Path | str, **options: Any) -> None:
    """Check that the three observations are imported, at their places."""
    report = folder.load_file(Path(path), **options)
    assert (report.imported, report.refused_count, report.without_position) == (3, 0, 1)
    for position, place in zip(folder.positions(), PLACES, strict=True):
        if place is None:
            assert position == (None, None)
        else:
            assert position == pytest.approx(place, abs=1e-7)
    first = min(folder.rows(), key=lambda row: row["observation_id"])
    assert first["capture_time"] == datetime(2026, 5, 1, 10, 30, tzinfo=UTC)
    assert first["asset_type"] == "ASSET_CLASS_ROAD_SIGN"
    assert first["gcs_uri"] == (folder.root / "photos/a.jpg").as_uri()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:28992", "EPSG:3857"])
@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.geojson", "a.geojsonl"])
def test_every_format_is_imported_and_reprojected(folder: Folder, name: str, crs: str) -> None:
    path = folder.root / name
    if name.endswith("geojsonl"):
        crs = "EPSG:4326"  # which is all that a sequence can be in
    if name.startswith("a.geojson"):
        driver = "GeoJSONSeq" if name.endswith("l") else "GeoJSON"
        frame(crs).to_file(path, driver=driver, engine="pyogrio")
    else:
        written(frame(crs), path)
    check(folder, path)


def test_times_of_a_geopackage_may_be_times(folder: Folder) -> None:
    there = frame()
    there["capture_time"] = there["capture_time"].astype("datetime64[ms, UTC]")
    check(folder, written(there, folder.root / "a.gpkg"))


def test_a_shapefile_may_be_an_archive_or_a_folder(folder: Folder) -> None:
    path = written(frame("EPSG:28992"), folder.root / "a.shp")
    check(folder, zipped(path, folder.root / "z.zip", below="export/"))
    home = folder.root / "shapes"
    home.mkdir()
    written(frame("EPSG:28992", gcs_uri=["../photos/a.jpg", "gs://b/s/v0/b.jpg", "gs://b/x.jpg"]),
            home / "a.shp")  # fmt: skip
    assert folder.load_file(home).replaced == 3


def test_the_layer_with_points_is_meant_or_one_is_named(folder: Folder) -> None:
    path = written(frame(), folder.root / "a.gpkg", "signs")
    areas = geopandas.GeoDataFrame({"n": [1]}, geometry=[shapely.box(5, 52, 6, 53)], crs=4326)
    written(areas, path, "city")
    check(folder, path)
    written(frame(), path, "poles")
    with pytest.raises(
        ConfigurationError, match=r"has several layers; it has signs \(.*layername="
    ):
        folder.load_file(path)
    assert folder.load_file(Path(f"{path}|layername=poles")).unchanged == 3


def test_a_layer_s_own_id_may_name_its_observations(folder: Folder) -> None:
    there = frame().drop(columns="observation_id")
    path = written(there, folder.root / "a.gpkg")
    with pytest.raises(ConfigurationError, match=r"has no column observation_id; it has fid, "):
        folder.load_file(path)
    assert folder.load_file(path, columns={"observation_id": "fid"}).imported == 3
    assert {row["observation_id"] for row in folder.rows()} == {"1", "2", "3"}


def test_a_row_that_is_no_point_is_refused_alone(folder: Folder) -> None:
    there = frame()
    there.loc[1, "geometry"] = shapely.LineString([(5, 52), (6, 53)])
    there.loc[2, "geometry"] = shapely.MultiPoint([(5, 52)])
    report = folder.load_file(written(there, folder.root / "a.gpkg"))
    assert reasons(report) == [("row 2", "bad_position")]
    assert report.imported == 2


def feature(number: int, **members: object) -> dict[str, object]:
    properties = {"asset_type": "road_sign", "gcs_uri": f"gs://b/s/v0/{number}.jpg"}
    point = {"type": "Point", "coordinates": [5.0, 52.0 + number]}
    return {"type": "Feature", "properties": properties, "geometry": point, **members}


def dumped(*members: dict[str, object], **more: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": [*members], **more})


def test_a_feature_s_id_and_nested_properties_are_columns(folder: Folder) -> None:
    bounds = {"x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4}
    first = feature(1, id="one")
    first["properties"] = {"asset_type": "t", "gcs_uri": "gs://b/s/v0/1.jpg", "bbox": bounds,
                           "capture_time": TIME, "note": [1, {"a": None}]}  # fmt: skip
    text = "\ufeff" + dumped(first, feature(2, id=2), feature(3, id="3", geometry=None))
    report = folder.load(text, "a.geojson", columns={"observation_id": "id"})
    assert (report.imported, report.without_position) == (3, 1)
    assert "note" in report.unused_columns
    rows = {row["observation_id"]: row for row in folder.rows()}
    assert set(rows) == {"one", "2", "3"}
    assert json.loads(rows["one"]["bbox"]) == bounds
    assert (rows["2"]["latitude"], rows["2"]["longitude"]) == (54.0, 5.0)


def test_a_geometry_that_is_none_costs_its_row(folder: Folder) -> None:
    wrong = [
        {"type": "Point", "coordinates": ["5", "52"]},
        {"type": "Pont", "coordinates": [5, 52]},
        {"type": "Point"},
        {"type": "Point", "coordinates": [5, 95]},
    ]
    members = [feature(n, id=str(n), geometry=geometry) for n, geometry in enumerate(wrong)]
    text = dumped(*members, feature(9, id="9"))
    report = folder.load(text, "a.geojson", columns={"observation_id": "id"})
    assert reasons(report) == [(f"row {number}", "bad_position") for number in range(1, 5)]
    assert report.imported == 1


def test_lines_of_json_with_a_geometry_in_them_are_no_geojson(folder: Folder) -> None:
    line = '{"observation_id":"a","location":{"type":"Point","coordinates":[5,52]}}\n'
    with pytest.raises(ConfigurationError, match="is JSON, which is not read; run "):
        folder.load(line, "a.jsonl")


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a.jsonl"])
def test_geojson_is_known_by_its_content_too(folder: Folder, name: str) -> None:
    text = json.dumps(feature(1, id="1")) if name == "a.jsonl" else dumped(feature(1, id="1"))
    pretty = json.dumps(json.loads(text), indent=1)
    assert folder.load(pretty, f"pretty-{name}", columns={"observation_id": "id"}).imported == 1
    assert folder.load(f"\ufeff {text}", name, columns={"observation_id": "id"}).imported == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":', "is not GeoJSON: line 1"),
        ("{}", "has no column observation_id"),
        (dumped(), "contains no feature; give a file that does"),
        (dumped(feature(1), crs={"type": "link"}), "has an unknown form"),
        (dumped(feature(1, id=1), crs="EPSG:1"), "the CRS 'EPSG:1' is not known"),
        (dumped(feature(1), feature(2, crs="EPSG:28992")), "has several CRSs, None, EPSG:28992"),
        (dumped({"type": "Feature", "properties": 7}), "there is a number where an object must"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(
    folder: Folder, text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as refusal:
        folder.load(text, "a.geojson", columns={"observation_id": "id"} if 'id"' in text else {})
    assert "\n" not in str(refusal.value)
    assert not list(folder.source.glob("*.parquet"))


def test_without_gdal_geojson_is_read_and_the_rest_says_what_to_install(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = written(frame(), folder.root / "a.gpkg")
    shape = written(frame(), folder.root / "a.shp")
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    for path in (package, shape):
        with pytest.raises(ConfigurationError, match=r"pyogrio is not installed; run `pip install"):
            folder.load_file(path)
    report = folder.load(dumped(feature(1, id="1")), "a.geojson", columns={"observation_id": "id"})
    assert report.imported == 1


def test_what_only_seems_to_be_a_geopackage_is_told_in_words_of_ours(folder: Folder) -> None:
    package = written(frame(), folder.root / "a.gpkg").read_bytes()
    with closing(sqlite3.connect(folder.root / "plain.gpkg")) as plain:
        plain.execute("CREATE TABLE a (b)")
    database = (folder.root / "plain.gpkg").read_bytes()
    for name, content, says in (
        ("b.gpkg", database, "it is a database of SQLite without the tables of a GeoPackage; exp"),
        ("c.gpkg", package[: len(package) // 2], "it is cut off or damaged; export it again"),
        ("d.gpkg", b"hello\n1\n", "it is damaged, or not what its name says; export it again"),
        ("e.shp", b"hello\n1\n", "e.shx is not beside e.shp; copy all files of the Shapefile"),
    ):
        with pytest.raises(ConfigurationError, match=f"{re.escape(name)}: {says}"):
            folder.load(content, name)


@pytest.mark.parametrize("part", [".shx", ".dbf"])
@pytest.mark.parametrize("is_zipped", [False, True])
def test_a_missing_part_of_a_shapefile_is_named(folder: Folder, part: str, is_zipped: bool) -> None:
    path = written(frame(), folder.root / "a.shp")
    path.with_suffix(part).unlink()
    if is_zipped:
        path = zipped(path, folder.root / "z.zip", below="export/")
    with pytest.raises(ConfigurationError, match=rf"a{part} is not beside a\.shp; copy all"):
        folder.load_file(path)


def test_a_shapefile_without_a_crs_is_noted_without_names_of_gdal(folder: Folder) -> None:
    path = written(frame(), folder.root / "a.shp")
    path.with_suffix(".prj").unlink()
    report = folder.load_file(path)
    assert report.notes[0].text == (
        "geometry declares no CRS; read as degrees of WGS 84, else give --crs"
    )
    assert report.imported == 3


@pytest.mark.parametrize("layer", ["|layer=poles", ":poles", "|poles", "|LAYERNAME=poles"])
def test_a_layer_named_in_another_way_is_answered_with_the_right_one(
    folder: Folder, layer: str
) -> None:
    path = written(frame(), folder.root / "a.gpkg", "poles")
    assert meant_layer(Path(f"{path}{layer}")) == f"name the layer as '{path}|layername=poles'"
    assert meant_layer(folder.root / f"b.gpkg{layer}") == ""
    with pytest.raises(ConfigurationError, match="no such file; name the layer as '"):
        read_area(Path(f"{path}{layer}"), "--polygon")
    with pytest.raises(NotFoundError, match="does not exist; name the layer as '"):
        import_files(Settings(), Path(f"{path}{layer}"))
