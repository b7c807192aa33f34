"""Importing tables: columns found, rows refused one by one, and nothing done twice."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sightline.errors import ConfigurationError, NotFoundError
from sightline.local.importing import RefusalReason
from sightline.local.importing.report import MAX_DETAILS
from sightline.local.warehouse.source_files import SOURCE
from sightline.schema import OBSERVATIONS, parquet_schema
from tests.local.imports import NOW, reasons
from tests.local.tables import HEADER, ROW, Folder


def test_a_csv_of_all_columns_becomes_rows_of_the_source(folder: Folder) -> None:
    report = folder.load(
        "observation_id,asset_id,snapshot_id,asset_type,latitude,longitude,capture_time,"
        "detection_time,bbox,camera_pose,gcs_uri,map_url\n"
        "a,b,s,ASSET_CLASS_ROAD_SIGN,48.5,-11.25,2026-10-01T10:00:00Z,"
        '2019-09-25 17:26:27.757171 UTC,"{""x_min"":1,""y_min"":2,""x_max"":3,""y_max"":4}",'
        '"{""heading"":12.5,""latitude"":48.0,""longitude"":11}",s/v0/a.jpg,https://map/?a\n'
    )
    assert (report.imported, report.unchanged, report.refused_count) == (1, 0, 0)
    assert folder.rows() == [
        {
            "observation_id": "a",
            "asset_id": "b",
            "snapshot_id": "s",
            "asset_type": "ASSET_CLASS_ROAD_SIGN",
            "gcs_uri": (folder.root / "s/v0/a.jpg").as_uri(),
            "latitude": 48.5,
            "longitude": -11.25,
            "capture_time": datetime(2026, 10, 1, 10, tzinfo=UTC),
            "detection_time": datetime(2019, 9, 25, 17, 26, 27, 757171, tzinfo=UTC),
            "bbox": '{"x_min":1.0,"y_min":2.0,"x_max":3.0,"y_max":4.0}',
            "camera_pose": '{"latitude":48.0,"longitude":11.0,"heading":12.5}',
            "map_url": "https://map/?a",
            "imported_at": NOW,
        }
    ]


def test_a_file_has_the_columns_of_observations_and_the_time_of_import(folder: Folder) -> None:
    report = folder.load(f"{HEADER}\n{ROW}\n")
    (path,) = report.files
    assert path.parent == folder.source
    assert pq.read_schema(path).equals(parquet_schema(SOURCE))
    names = [name for name in OBSERVATIONS.column_names() if name not in {"run_id", "written_at"}]
    assert pq.read_schema(path).names == [*names, "imported_at"]


def test_a_parquet_with_nested_columns_is_taken_as_bigquery_writes_it(folder: Folder) -> None:
    corner = pa.struct([("x", pa.float64()), ("y", pa.float64())])
    table = pa.table(
        {
            "observation_id": ["a", "b"],
            "asset_id": ["p", None],
            "snapshot_id": ["s", "s"],
            "asset_type": pa.array(["T", "T"]).dictionary_encode(),
            "location": [{"latitude": 1.0, "longitude": 2.0}, None],
            "capture_time": pa.array([0, 1_000_000_001], pa.timestamp("ns", tz="UTC")),
            "bbox": pa.array(
                [{"high": {"x": 9.0, "y": 8.0}, "low": {"x": 1.0, "y": 2.0}}, None],
                pa.struct([("low", corner), ("high", corner)]),
            ),
            "camera_pose": [{"latitude": 1.0, "longitude": 2.0, "pitch": None}, None],
            "gcs_uri": ["gs://b/s/v0/a.jpg", "gs://b/s/v0/b.jpg"],
            "labels": [["not"], ["ours"]],
        }
    )
    pq.write_table(table, folder.root / "t.parquet")
    assert folder.load_file(folder.root / "t.parquet").imported == 2
    first, second = folder.rows()
    assert (first["latitude"], first["longitude"], first["asset_id"]) == (1.0, 2.0, "p")
    assert json.loads(first["bbox"]) == {"x_min": 1, "y_min": 2, "x_max": 9, "y_max": 8}
    assert json.loads(first["camera_pose"]) == {"latitude": 1, "longitude": 2}
    assert second["asset_id"] == "b"
    assert [second[name] for name in ("latitude", "bbox", "camera_pose")] == [None] * 3
    assert second["capture_time"] == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "cells"),
    [("latitude,longitude", "1,2"), ("location.latitude,location.longitude", "1,2"),
     ("location_latitude,location_longitude", "1,2"),
     ("location", '"{""latitude"":1,""longitude"":2}"')],
)  # fmt: skip
def test_a_flat_table_may_write_a_position_in_several_ways(
    folder: Folder, header: str, cells: str
) -> None:
    folder.load(f"{HEADER},{header}\n{ROW},{cells}\n")
    assert [(row["latitude"], row["longitude"]) for row in folder.rows()] == [(1.0, 2.0)]


def test_flat_bounds_and_pose_are_put_together(folder: Folder) -> None:
    folder.load(
        f"{HEADER},bbox_x_min,bbox_y_min,bbox_x_max,bbox_y_max,camera_pose.heading\n"
        f"{ROW},1,2,3,4,90\n"
    )
    (row,) = folder.rows()
    assert json.loads(row["bbox"]) == {"x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4}
    assert json.loads(row["camera_pose"]) == {"heading": 90}


def test_columns_of_other_names_are_mapped(folder: Folder) -> None:
    table = pa.table(
        {"id": [17], "kind": ["T"], "image": ["gs://b/o"], "at": [{"lat": 1.5, "lng": 2.5}]}
    )
    pq.write_table(table, folder.root / "t.parquet")
    columns = {"observation_id": "id", "asset_type": "kind", "gcs_uri": "image",
               "latitude": "at.lat", "longitude": "at.lng"}  # fmt: skip
    folder.load_file(folder.root / "t.parquet", columns=columns)
    (row,) = folder.rows()
    assert (row["observation_id"], row["latitude"], row["longitude"]) == ("17", 1.5, 2.5)


@pytest.mark.parametrize("missing", ["observation_id", "asset_type", "gcs_uri"])
def test_a_missing_column_is_named_with_those_found_and_the_remedy(
    folder: Folder, missing: str
) -> None:
    header = HEADER.replace(missing, "other")
    with pytest.raises(ConfigurationError) as caught:
        folder.load(f"{header}\n{ROW}\n")
    assert f"has no column {missing}; it has {header.replace(',', ', ')}" in str(caught.value)
    others = ", or --asset-type for all rows" if missing == "asset_type" else ""
    assert str(caught.value).endswith(f"give --column {missing}=OTHER{others}")
    assert not folder.source.exists()


def test_a_given_asset_type_stands_in_for_the_column(folder: Folder) -> None:
    folder.load("observation_id,gcs_uri\na,gs://b/o\n", asset_type="ASSET_CLASS_UTILITY_POLE")
    assert [row["asset_type"] for row in folder.rows()] == ["ASSET_CLASS_UTILITY_POLE"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [({"gcs_url": "x"}, "no such column; accepted: observation_id"),
     ({"gcs_uri": "nowhere"}, "has no column 'nowhere' for gcs_uri")],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_an_error(
    folder: Folder, columns: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        folder.load(f"{HEADER}\n{ROW}\n", columns=columns)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; give a table with a header line"),
        (b"\xef\xbb\xbf\n\n", "is empty"),
        (f"{HEADER},gcs_uri\n".encode(), "column 'gcs_uri' appears twice"),
        (f"{HEADER},caf\xe9\n{ROW},x\n".encode("latin1"), "byte 38 is not UTF-8; save it as UTF-8"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (b"\x00\x01\x02\x03" * 50, "is neither CSV nor Parquet"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "is a picture; give its folder"),
        (b"PAR1 and no more", "is damaged or cut off; export it again"),
        (
            (f'{HEADER}\n"never closed,T,gs://b/o\n' + f"{ROW}\n" * 50_000).encode(),
            "a quote that is not",
        ),
    ],
)
def test_a_file_that_is_no_table_is_a_clear_error(
    folder: Folder, content: bytes, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        folder.load(content)  # the last of them is one value, longer than a block
    assert "\n" not in str(caught.value)
    assert not list(folder.source.glob("*.parquet"))


def test_a_file_that_is_not_there_is_not_found(folder: Folder) -> None:
    with pytest.raises(NotFoundError, match=r"does not exist; give a CSV or Parquet file$"):
        folder.load_file(folder.root / "nothing.csv")


def test_a_header_alone_imports_nothing(folder: Folder) -> None:
    report = folder.load(f"{HEADER}\n")
    assert (report.imported, report.refused_count, report.files) == (0, 0, ())


@pytest.mark.parametrize(
    "content",
    [f"\ufeff{HEADER}\n{ROW}\n", f"{HEADER}\r\n{ROW}\r\n", f"\n{HEADER}\n\n{ROW}\n\n",
     f"{HEADER}\n{ROW}\n".replace(",", ";"), f"{HEADER}\n{ROW}\n".replace(",", "\t"),
     f"{HEADER}\n{ROW}"],
)  # fmt: skip
def test_bytes_of_order_line_ends_and_separators_do_not_matter(
    folder: Folder, content: str
) -> None:
    assert folder.load(content).imported == 1
    assert folder.rows()[0]["observation_id"] == "a"


@pytest.mark.parametrize(
    ("header", "cell", "reason"),
    [
        ("latitude,longitude", "91,0", "bad_position"),
        ("latitude,longitude", "0,180.1", "bad_position"),
        ("latitude,longitude", "1,", "bad_position"),
        ("latitude,longitude", "nan,1", "bad_position"),
        ("latitude,longitude", "north,1", "bad_position"),
        ("location", "nowhere", "bad_position"),
        ("capture_time", "yesterday", "bad_time"),
        ("detection_time", "2026-13-01T00:00:00Z", "bad_time"),
        ("bbox", "[]", "bad_bbox"),
        ("bbox", "{broken", "bad_bbox"),
        ("bbox", '"{""x_min"":1}"', "bad_bbox"),
        ("bbox_x_min,bbox_y_min,bbox_x_max,bbox_y_max", "5,2,3,4", "bad_bbox"),
        ("camera_pose", '"{""latitude"":99,""longitude"":0}"', "bad_camera_pose"),
    ],
)
def test_a_bad_value_costs_its_row_only(
    folder: Folder, header: str, cell: str, reason: str
) -> None:
    nothing = "," * header.count(",")
    report = folder.load(
        f"{HEADER},{header}\n{ROW},{nothing}\nb,T,gs://b/b.jpg,{cell}\nc,T,gs://b/c.jpg,{nothing}\n"
    )
    assert reasons(report) == [("row 3", reason)]
    assert [row["observation_id"] for row in folder.rows()] == ["a", "c"]


@pytest.mark.parametrize(
    "uri", ["", "  ", "http://host/a.jpg", "s3://b/a.jpg", "gs://bucket", "gs:///a.jpg",
            "file://host/a.jpg", "file:///a?b"],
)  # fmt: skip
def test_a_bad_uri_costs_its_row_only(folder: Folder, uri: str) -> None:
    report = folder.load(f"{HEADER}\n{ROW}\nb,T,{uri}\n")
    assert reasons(report) == [("row 3", "bad_uri")]
    assert report.imported == 1


def test_relative_paths_begin_at_the_table_or_where_one_says(folder: Folder) -> None:
    content = f"{HEADER}\na,T,x/ä b.jpg\nb,T,../up.jpg\nc,T,/abs/c.jpg\nd,T,file:///abs/d.jpg\n"
    folder.load(content)
    expected = [folder.root / "x/ä b.jpg", folder.root.parent / "up.jpg", Path("/abs/c.jpg")]
    uris = [row["gcs_uri"] for row in folder.rows()]
    assert uris == [*(path.as_uri() for path in expected), "file:///abs/d.jpg"]
    folder.load(f"{HEADER}\ne,T,e.jpg\n", base=Path("/elsewhere"), now=NOW + timedelta(1))
    assert folder.rows()[-1]["gcs_uri"] == "file:///elsewhere/e.jpg"


def test_ragged_empty_and_doubled_rows_are_refused_by_their_numbers(folder: Folder) -> None:
    report = folder.load(
        f"{HEADER}\n{ROW}\nshort,row\n,T,gs://b/x\n  ,T,gs://b/x\nb,T,gs://b/b\n"
        "a,T,gs://b/again\nlong,T,gs://b/x,more\nc,T,gs://b/c\nc,T,gs://b/c\n"
    )
    assert sorted(reasons(report)) == [
        ("row 10", "duplicate"),
        ("row 3", "ragged_row"),
        ("row 4", "empty_id"),
        ("row 5", "empty_id"),
        ("row 7", "duplicate"),
        ("row 8", "ragged_row"),
    ]
    details = {refusal.where: refusal.detail for refusal in report.refusals}
    assert details["row 7"] == "observation_id a is in row 2 already"
    assert details["row 3"] == "2 cells, and the header has 3"
    assert [row["observation_id"] for row in folder.rows()] == ["a", "b", "c"]


def test_a_row_that_is_not_utf8_is_refused_with_its_byte(folder: Folder) -> None:
    report = folder.load(f"{HEADER}\n".encode() + b"caf\xe9,T,gs://b/o\n" + f"{ROW}\n".encode())
    (refusal,) = report.refusals
    assert (refusal.where, refusal.reason.value) == ("row 2", "not_utf8")
    assert refusal.detail == r"observation_id: byte 4 of b'caf\xe9' is not UTF-8"
    assert report.imported == 1


def test_text_that_is_not_utf8_in_a_parquet_is_refused(folder: Folder) -> None:
    broken = pa.array([b"a", b"\xff"]).view(pa.string())
    table = pa.table({"observation_id": broken, "asset_type": ["T"] * 2, "gcs_uri": ["a"] * 2})
    pq.write_table(table, folder.root / "t.parquet")
    report = folder.load_file(folder.root / "t.parquet")
    assert reasons(report) == [("row 2", "not_utf8")]


def test_row_numbers_hold_across_the_blocks_of_a_long_file(folder: Folder) -> None:
    lines = [f"id-{n},T,gs://bucket/{'x' * 200}/{n}.jpg" for n in range(2, 12_002)]
    for number in (2, 3, 4000, 7777, 12_001):
        lines[number - 2] = "ragged"
    lines[9_000 - 2] = ",T,gs://b/o"
    report = folder.load("\n".join([HEADER, *lines]))
    wrong = sorted(int(refusal.where.removeprefix("row ")) for refusal in report.refusals)
    assert wrong == [2, 3, 4000, 7777, 9_000, 12_001]
    assert report.imported == 12_000 - 6


def test_details_are_bounded_and_counts_are_not(folder: Folder) -> None:
    report = folder.load(f"{HEADER}\n" + ",T,gs://b/o\n" * (MAX_DETAILS + 5))
    assert report.refused_by_reason == {"empty_id": MAX_DETAILS + 5}
    assert report.refused_count == MAX_DETAILS + 5
    assert len(report.refusals) == MAX_DETAILS
    assert json.loads(json.dumps(report.as_dict()))["refused"] == MAX_DETAILS + 5


def test_importing_again_changes_nothing(folder: Folder) -> None:
    content = f"{HEADER},latitude,longitude\n{ROW},1.1,2.2\nb,T,gs://b/o,,\n"
    folder.load(content)
    report = folder.load(content, now=NOW + timedelta(days=1))
    assert (report.imported, report.replaced, report.unchanged, report.files) == (0, 0, 2, ())
    assert len(folder.rows()) == 2


def test_the_latest_import_of_an_id_is_what_later_ones_are_compared_with(folder: Folder) -> None:
    first, second = f"{HEADER}\n{ROW}\n", f"{HEADER}\n{ROW}2\n"
    folder.load(first)
    report = folder.load(second, now=NOW + timedelta(days=1))
    assert (report.imported, report.replaced) == (1, 1)
    assert folder.load(second, now=NOW + timedelta(days=2)).unchanged == 1
    assert folder.load(first, now=NOW + timedelta(days=3)).replaced == 1
    assert [row["gcs_uri"][-5:] for row in folder.rows()] == ["a.jpg", ".jpg2", "a.jpg"]


def test_progress_is_told_in_rows(folder: Folder) -> None:
    progress: list[tuple[int, int | None]] = []
    folder.load(f"{HEADER}\n{ROW}\n", on_progress=lambda *at: progress.append(at))
    table = pa.table({"observation_id": ["a"], "asset_type": ["T"], "gcs_uri": ["gs://b/o"]})
    pq.write_table(table, folder.root / "t.parquet")
    folder.load_file(folder.root / "t.parquet", on_progress=lambda *at: progress.append(at))
    assert progress == [(1, None), (1, 1)]


def test_blank_lines_have_no_number(folder: Folder) -> None:
    report = folder.load(f"{HEADER}\n\n{ROW}\n\nragged\n\n,T,gs://b/o\n")
    assert reasons(report) == [("row 3", "ragged_row"), ("row 4", "empty_id")]


def test_every_reason_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text()
    table = page[page.index("## What is refused") :]
    documented = set(re.findall(r"^\| `([a-z0-9_]+)` \|", table, re.MULTILINE))
    assert documented == {reason.value for reason in RefusalReason}


@pytest.mark.parametrize("cell", ['"1,2,3,4"', '"[1,2,3,4]"', "1", "{broken"])
@pytest.mark.parametrize(
    ("name", "reason", "form"),
    [
        ("bbox", "bad_bbox", '{"x_min": 1, "y_min": 2, "x_max": 3, "y_max": 4} or {"x": 1'),
        ("camera_pose", "bad_camera_pose", '{"heading": 90, '),
    ],
)
def test_a_refused_object_is_shown_with_the_accepted_forms(
    folder: Folder, cell: str, name: str, reason: str, form: str
) -> None:
    report = folder.load(f"{HEADER},{name}\n{ROW},{cell}\n")
    assert reasons(report) == [("row 2", reason)]
    shown = cell.strip('"')
    assert f"{name}: '{shown}' is not an object; give one such as {form}" in (
        report.refusals[0].detail
    )


@pytest.mark.parametrize("cell", ["52.09 N", "N52.09", "52.09°", "52 22 12 n"])
def test_degrees_with_a_hemisphere_are_refused_with_the_accepted_form(
    folder: Folder, cell: str
) -> None:
    report = folder.load(f"{HEADER},lat,lon\n{ROW},{cell},5\n")
    assert reasons(report) == [("row 2", "bad_position")]
    assert "write degrees with decimals, and a minus in the south" in report.refusals[0].detail


@pytest.mark.parametrize(("cell", "is_noted"), [("ASSET_CLASS_ROAD_SIGN", True), ("", False)])
def test_an_asset_type_that_no_row_needs_is_noted(
    folder: Folder, cell: str, is_noted: bool
) -> None:
    content = f"{HEADER}\n{ROW}\nb,{cell},gs://bucket/b.jpg\n"
    report = folder.load(content, asset_type="ASSET_CLASS_UTILITY_POLE")
    expected = ["--asset-type was not used: every row has its own type"]
    assert [note.text for note in report.notes] == (expected if is_noted else [])
    assert len(report.by_asset_type) == (1 if is_noted else 2)


def test_latitude_0_longitude_0_is_no_position_and_noted(folder: Folder) -> None:
    cells = ("0,0", "0.0,-0.0", "0,5", "52,0")
    rows = "".join(f"{n},T,gs://b/{n}.jpg,{cell}\n" for n, cell in enumerate(cells))
    report = folder.load(f"{HEADER},lat,lon\n{rows}")
    assert (report.imported, report.without_position) == (4, 2)
    assert folder.positions() == [(None, None), (None, None), (0, 5), (52, 0)]
    assert report.notes[0].text.endswith("rows: 2")


def test_a_row_at_0_0_takes_the_next_position_that_it_has(folder: Folder) -> None:
    folder.load(f"{HEADER},lat,lon,wkt\n{ROW},0,0,POINT(5 52)\n")
    assert folder.positions() == [(52, 5)]


def test_what_was_refused_or_is_a_duplicate_counts_neither_as_without_position_nor_by_type(
    folder: Folder,
) -> None:
    rows = f"{ROW},,\n{ROW},,\nb,T,gs://b/b.jpg,91,0\nc,T,gs://b/c.jpg,1,\n"
    report = folder.load(f"{HEADER},lat,lon\n{rows}")
    assert (report.imported, report.refused_count) == (1, 3)
    assert report.without_position == 1
    assert report.by_asset_type == {"ASSET_CLASS_ROAD_SIGN": 1}


def test_a_missing_image_with_backslashes_in_its_path_is_told_apart(folder: Folder) -> None:
    rows = "a,T,photos\\a.jpg\nb,T,photos/b.jpg\n"
    missing, written = folder.load(f"{HEADER}\n{rows}").notes
    assert missing.text.startswith("images that do not exist: 2; ")
    assert written.text.startswith(
        "paths of images that do not exist, with \\ in them: 1; write / "
    )
