"""GeoPackages come back from GDAL as the answers were, and are the same file each time."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas
import pyogrio
import pytest

from sightline.errors import ConfigurationError, StorageError
from sightline.export import ExportFormat, open_table
from sightline.tasks import VIEW_IDENTITY, VIEW_PROVENANCE, parse_task
from tests.export.rows import ALL, HOSTILE, SPEC

POINTS = len(HOSTILE)


def written(path: Path, pages: object = (ALL[:5], ALL[5:])) -> Path:
    assert isinstance(pages, tuple)
    with path.open("wb") as file, open_table(ExportFormat.GPKG, file, SPEC) as table:
        for page in pages:
            table.write(page)
    assert table.without_position == sum(map(len, pages)) - POINTS
    assert table.changed_cells == 1
    return path


def test_a_geographic_program_reads_points_and_typed_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg")
    assert pyogrio.list_layers(path).tolist() == [[SPEC.name, "Point"]]
    frame = geopandas.read_file(path)
    assert frame.crs == "EPSG:4326"
    fields = tuple(field.name for field in SPEC.fields)
    assert tuple(frame.columns) == (*VIEW_IDENTITY, *fields, *VIEW_PROVENANCE, "geometry")
    assert list(frame["subject_id"]) == [answer.subject_id for answer in ALL]
    for answer, point in zip(ALL, frame.geometry, strict=True):
        if answer in ALL[:POINTS]:
            assert (point.x, point.y) == (answer.longitude, answer.latitude)
        else:
            assert point is None
    meta, rows = pyogrio.read_arrow(path)
    kinds = dict(zip(meta["fields"], meta["dtypes"], strict=True))
    assert [kinds[name] for name in ("tilted", "count", "height", "capture_time")] == [
        "bool", "int64", "float64", "datetime64[ms]",
    ]  # fmt: skip
    fourth = rows.to_pylist()[3]
    assert json.loads(fourth["damage"]) == ["rust", "a;b"]
    assert (fourth["tilted"], fourth["count"], fourth["height"]) == (False, 3, 1.5)
    assert {rows.to_pylist()[14][name] for name in ("kind", "tilted", "capture_time")} == {None}


def test_texts_are_as_they_were_but_for_a_zero_character(tmp_path: Path) -> None:
    rows = pyogrio.read_arrow(written(tmp_path / "a.gpkg"))[1].to_pylist()
    expected = [note.replace("\0", "\ufffd") for note in HOSTILE]
    assert [row["note"] for row in rows[:POINTS]] == expected


def test_times_have_milliseconds_and_no_second_60(tmp_path: Path) -> None:
    with closing(sqlite3.connect(written(tmp_path / "a.gpkg"))) as database:
        times = [time for (time,) in database.execute(f"select capture_time from {SPEC.name}")]
    assert ALL[3].capture_time is not None
    assert ALL[3].capture_time.microsecond == 999_999
    assert times[3] == f"{ALL[3].capture_time:%Y-%m-%dT%H:%M:%S}.999Z"
    assert not any(":60" in str(time) for time in times)


def test_the_same_answers_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    files = {written(tmp_path / f"{n}.gpkg").read_bytes() for n in range(2)}
    assert len(files) == 1
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == before
    with closing(sqlite3.connect(tmp_path / "0.gpkg")) as database:
        rows = database.execute("select last_change, srs_id from gpkg_contents").fetchall()
    assert rows == [("2026-05-04T12:00:00.000Z", 4326)]


def test_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.export.geopackage_table.ROW_GROUP", 4)
    path = written(tmp_path / "a.gpkg", (ALL[:5], ALL[5:6], ALL[6:]))
    assert list(geopandas.read_file(path)["subject_id"]) == [answer.subject_id for answer in ALL]


def test_no_row_is_an_empty_layer_and_fields_do_not_clash(tmp_path: Path) -> None:
    fields = "".join(
        f'[fields.{name}]\ntype = "string"\ndescription = "d"\n'
        for name in ("fid", "geom", "geometry", "bbox")
    )
    spec = parse_task(f'name = "t"\nprompt = "p"\n{fields}').resolve("m")
    path = tmp_path / "a.gpkg"
    with path.open("wb") as file, open_table(ExportFormat.GPKG, file, spec):
        pass
    info = pyogrio.read_info(path)
    assert info["features"] == 0
    assert {"fid_answer", "geom_answer", "geometry", "bbox"} <= set(info["fields"])


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_table(ExportFormat.GPKG, io.BytesIO(), SPEC) as table:
        table.write(ALL)
    with pytest.raises(ZeroDivisionError), open_table(ExportFormat.GPKG, io.BytesIO(), SPEC):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise pyogrio.errors.DataSourceError("sqlite3_step() failed:\ndatabase or disk is full")

    monkeypatch.setattr(pyogrio, "write_arrow", full)
    with (
        pytest.raises(StorageError, match=r"disk is full; free some space"),
        open_table(ExportFormat.GPKG, io.BytesIO(), SPEC) as table,
    ):
        table.write([replace(ALL[0])])


def test_without_gdal_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    with (
        pytest.raises(
            ConfigurationError, match=r"pyogrio is not installed; run `pip install '.*gis"
        ),
        open_table(ExportFormat.GPKG, io.BytesIO(), SPEC),
    ):
        pass
