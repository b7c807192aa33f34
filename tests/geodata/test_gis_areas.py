"""GeoPackages and Shapefiles serve as areas, in every form in which they are exported."""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas
import pytest
import shapely

from sightline.errors import ConfigurationError
from sightline.geodata.areas import read_area
from tests.geodata.gis_samples import written, zipped

UTRECHT = shapely.box(5.0, 52.0, 5.2, 52.2)
DUTCH = "EPSG:28992"


def frame(*shapes: object, crs: str | None = "EPSG:4326") -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame({"name": ["a"] * len(shapes)}, geometry=[*shapes], crs=crs)


def dutch() -> geopandas.GeoDataFrame:
    """Return the area in the Dutch grid, with so many vertices that its edges stay the same."""
    return frame(shapely.segmentize(UTRECHT, 0.001)).to_crs(DUTCH)


def is_utrecht(path: Path | str) -> bool:
    area = read_area(Path(path), "--polygon")
    return float((area ^ UTRECHT).area) < 1e-6 * float(UTRECHT.area)


@pytest.mark.parametrize("crs", ["EPSG:4326", DUTCH, "EPSG:3857"])
def test_a_geopackage_and_a_shapefile_are_reprojected_by_their_crs(
    tmp_path: Path, crs: str
) -> None:
    there = frame(shapely.segmentize(UTRECHT, 0.001)).to_crs(crs)
    assert is_utrecht(written(there, tmp_path / "a.gpkg"))
    shape = written(there, tmp_path / "folder.shp")
    assert is_utrecht(shape)
    assert is_utrecht(zipped(shape, tmp_path / "a.zip"))
    assert is_utrecht(zipped(shape, tmp_path / "b.zip", below="sub/"))


def test_a_folder_with_a_shapefile_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "municipality"
    folder.mkdir()
    written(dutch(), folder / "a.shp")
    assert is_utrecht(folder)
    zipped(folder / "a.shp", tmp_path / "a.zip", below="deep/er/")
    assert is_utrecht(tmp_path / "a.zip")


def test_heights_empty_and_other_geometries_are_left_aside(tmp_path: Path) -> None:
    high = shapely.force_3d(UTRECHT, 7.0)
    mixed = frame(
        high, None, shapely.Polygon(), shapely.Point(9, 9), shapely.box(5.1, 52, 5.2, 52.1)
    )
    assert is_utrecht(written(mixed, tmp_path / "a.gpkg"))


def test_the_only_layer_with_polygons_is_meant_and_others_are_named(tmp_path: Path) -> None:
    path = written(frame(shapely.Point(9, 9)), tmp_path / "a.gpkg", "signs")
    written(frame(UTRECHT), path, "city")
    assert is_utrecht(path)
    written(frame(shapely.box(0, 0, 1, 1)), path, "island")
    with pytest.raises(ConfigurationError) as refusal:
        read_area(path, "--polygon")
    assert str(refusal.value) == (
        f"--polygon {path} has several layers; it has signs (Point), city (Polygon), island"
        " (Polygon): give one, as 'a.gpkg|layername=signs'"
    )
    assert is_utrecht(f"{path}|layername=city")
    with pytest.raises(ConfigurationError, match=r"a.gpkg has no layer 'town'; it has signs"):
        read_area(Path(f"{path}|layername=town"), "--polygon")
    with pytest.raises(ConfigurationError, match="contains no polygon but 1 Point"):
        read_area(Path(f"{path}|layername=signs"), "--polygon")


def test_a_file_without_crs_is_taken_for_degrees_or_refused(tmp_path: Path) -> None:
    assert is_utrecht(written(frame(UTRECHT, crs=None), tmp_path / "a.shp"))
    metres = dutch().set_crs(None, allow_override=True)
    with pytest.raises(ConfigurationError, match="are not degrees, and it does not declare a CRS"):
        read_area(written(metres, tmp_path / "b.shp"), "--polygon")


def test_what_gdal_cannot_read_is_told_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gpkg"
    broken.write_bytes(b"SQLite format 3\0" + b"x" * 1000)
    cut = written(frame(UTRECHT), tmp_path / "cut.shp")
    cut.with_suffix(".shx").unlink()
    missing_file = tmp_path / "lost.gpkg"
    for path in (broken, cut, Path(f"{missing_file}|layername=x")):
        with pytest.raises(ConfigurationError) as refusal:
            read_area(path, "--polygon")
        assert str(refusal.value).startswith(f"--polygon {path}: ")
        assert "\n" not in str(refusal.value)
    with pytest.raises(ConfigurationError, match="no such file; give a file"):
        read_area(Path("/vsicurl/http://localhost/a.gpkg|layername=x"), "--polygon")


def test_a_folder_or_an_archive_without_a_shapefile_is_no_area(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="a folder, not a file; give a file"):
        read_area(tmp_path, "--polygon")
    archive = zipped(tmp_path / "note.txt", tmp_path / "a.zip")
    with pytest.raises(ConfigurationError, match="is not GeoJSON"):
        read_area(archive, "--polygon")


def test_without_gdal_the_message_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(frame(UTRECHT), tmp_path / "a.gpkg")
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    with pytest.raises(
        ConfigurationError, match=r"pyogrio is not installed; run `pip install '.*gis"
    ):
        read_area(path, "--polygon")
