"""Tables come back from other readers as they were written."""

from __future__ import annotations

import csv
import io
import json
import struct
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from sightline.errors import ConfigurationError
from sightline.export import AnswerTable, ExportFormat, format_of, open_table
from sightline.export.csv_table import FORMULA
from sightline.export.table import field_value
from sightline.tasks import VIEW_IDENTITY, VIEW_PROVENANCE, FieldSpec, parse_task
from tests.export.rows import ALL, HOSTILE, SPEC

POINTS = len(HOSTILE)


def written(folder: Path, kind: ExportFormat, pages: Any = (ALL[:5], ALL[5:])) -> Path:
    """Write the rows in two pages, and return the file."""
    path = folder / f"out.{kind}"
    with path.open("wb") as file, open_table(kind, file, SPEC) as table:
        for page in pages:
            table.write(page)
    assert table.without_position == sum(len(page) for page in pages) - POINTS
    return path


def only_row(select: str) -> dict[str, Any]:
    """Return the one row of a query by DuckDB."""
    relation = duckdb.sql(select)
    assert relation is not None
    (row,) = relation.to_arrow_table().to_pylist()
    return dict(row)


def test_parquet_has_exact_types_and_the_columns_of_the_typed_view(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path, ExportFormat.PARQUET))
    fields = tuple(spec_field.name for spec_field in SPEC.fields)
    assert tuple(table.column_names) == (*VIEW_IDENTITY, *fields, *VIEW_PROVENANCE)
    types = {column.name: column.type for column in table.schema}
    assert types["tilted"] == pa.bool_()
    assert types["count"] == pa.int64()
    assert types["height"] == pa.float64()
    assert types["damage"] == pa.list_(pa.string())
    assert types["capture_time"] == pa.timestamp("us", tz="UTC")
    assert table.schema.field("kind").metadata == {b"description": b"kind"}
    rows = table.to_pylist()
    assert [as_row["note"] for as_row in rows[:POINTS]] == list(HOSTILE)
    assert rows[3]["damage"] == ["rust", "a;b"]
    assert rows[3]["capture_time"] == ALL[3].capture_time
    assert {rows[14][name] for name in ("kind", "tilted", "latitude", "capture_time")} == {None}
    assert (rows[15]["latitude"], rows[15]["longitude"]) == (None, 200.0)
    assert b"geo" not in pq.read_metadata(tmp_path / "out.parquet").metadata


def geo_of(path: Path) -> Any:
    """Return the metadata that makes a file GeoParquet."""
    return json.loads(pq.read_metadata(path).metadata[b"geo"])


def test_geoparquet_is_version_1_1_with_points_and_their_bounds(tmp_path: Path) -> None:
    path = written(tmp_path, ExportFormat.GEOPARQUET)
    table = pq.read_table(path)
    geo = geo_of(path)
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    column = geo["columns"]["geometry"]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"])
    assert "crs" not in column  # which means OGC:CRS84
    longitudes = [point.longitude for point in ALL[:POINTS] if point.longitude is not None]
    latitudes = [point.latitude for point in ALL[:POINTS] if point.latitude is not None]
    bounds = [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]
    assert column["bbox"] == bounds
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    for answer_row, wkb, box in zip(ALL, table["geometry"].to_pylist(), table["bbox"].to_pylist(),
                             strict=True):  # fmt: skip
        if answer_row.part_key in {ALL[14].part_key, ALL[15].part_key}:
            assert (wkb, box) == (None, None)
            continue
        assert struct.unpack("<BIdd", wkb) == (1, 1, answer_row.longitude, answer_row.latitude)
        assert shapely.from_wkb(wkb).coords[0] == (answer_row.longitude, answer_row.latitude)
        assert (box["xmin"], box["ymax"]) == (answer_row.longitude, answer_row.latitude)
    west = only_row(f"select min(bbox.xmin) as west from read_parquet('{path}')")
    assert west == {"west": bounds[0]}


def test_geoparquet_without_a_point_has_no_bounds(tmp_path: Path) -> None:
    path = tmp_path / "none.parquet"
    with path.open("wb") as file, open_table(ExportFormat.GEOPARQUET, file, SPEC) as table:
        table.write(ALL[14:])
    assert "bbox" not in geo_of(path)["columns"]["geometry"]


def test_parquet_is_written_by_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.export.parquet_table.ROW_GROUP", 6)
    path = written(tmp_path, ExportFormat.PARQUET, [ALL[n : n + 3] for n in range(0, 16, 3)])
    metadata = pq.ParquetFile(path).metadata
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [6, 6, 4]


def test_geojson_follows_rfc_7946(tmp_path: Path) -> None:
    text = written(tmp_path, ExportFormat.GEOJSON).read_text(encoding="utf-8")
    collection = json.loads(text, parse_constant=pytest.fail)
    assert collection["type"] == "FeatureCollection"
    assert [feature["id"] for feature in collection["features"]] == [
        answer_row.subject_id for answer_row in ALL
    ]
    first = collection["features"][1]
    assert first["type"] == "Feature"
    assert first["geometry"] == {"type": "Point", "coordinates": [4.999, 52.001]}
    assert first["properties"]["damage"] == ["rust", "a;b"]
    assert first["properties"]["capture_time"] == "2026-05-03T11:59:59.999999Z"
    assert [feature["properties"]["note"] for feature in collection["features"][:POINTS]] == list(
        HOSTILE
    )
    assert [feature["geometry"] for feature in collection["features"][14:]] == [None, None]
    assert shapely.from_geojson(json.dumps(first["geometry"])).x == 4.999


def test_geojson_without_rows_is_an_empty_collection(tmp_path: Path) -> None:
    path = tmp_path / "none.geojson"
    with path.open("wb") as file, open_table(ExportFormat.GEOJSON, file, SPEC):
        pass
    assert json.loads(path.read_text()) == {"type": "FeatureCollection", "features": []}


def test_csv_holds_what_spreadsheets_would_run_and_nothing_else_is_changed(tmp_path: Path) -> None:
    path = written(tmp_path, ExportFormat.CSV)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(ALL)
    for note, csv_row in zip(HOSTILE, rows, strict=False):
        assert csv_row["note"] == (f"'{note}" if note.startswith(FORMULA) else note)
        assert not csv_row["note"].startswith(FORMULA)
    assert json.loads(rows[3]["damage"]) == ["rust", "a;b"]
    assert (rows[3]["tilted"], rows[3]["count"], rows[3]["height"]) == ("false", "3", "1.5")
    assert rows[3]["capture_time"] == "2026-05-01T11:59:59.999999Z"
    assert [rows[14][name] for name in ("tilted", "count", "latitude", "note")] == [""] * 4


def test_csv_leaves_negative_numbers_as_they_are() -> None:
    file = io.BytesIO()
    south = replace(ALL[1], latitude=-33.5, longitude=-0.5, answer={"count": -3, "note": "fine"})
    with open_table(ExportFormat.CSV, file, SPEC) as table:
        table.write([south])
    (csv_row,) = csv.DictReader(io.StringIO(file.getvalue().decode()))
    assert (csv_row["latitude"], csv_row["longitude"], csv_row["count"]) == ("-33.5", "-0.5", "-3")
    assert table.changed_cells == 0


def test_duckdb_reads_the_csv(tmp_path: Path) -> None:
    rows = [answer_row for answer_row in ALL if "\x00" not in str(answer_row.answer["note"])]
    path = tmp_path / "out.csv"
    with path.open("wb") as file, open_table(ExportFormat.CSV, file, SPEC) as table:
        table.write(rows)
    sql = f"select count(*), sum(\"count\"), max(written_at) from read_csv('{path}', header=true)"
    totals = only_row(sql)
    total = sum(
        int(str(answer_row.answer["count"]))
        for answer_row in rows
        if answer_row.answer["count"] is not None
    )
    assert list(totals.values())[:2] == [len(rows), total]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("boolean", True, True),
        ("boolean", "true", None),
        ("boolean", 1, None),
        ("integer", 3, 3),
        ("integer", 3.0, 3),
        ("integer", 3.5, None),
        ("integer", True, None),
        ("integer", 2**63, None),
        ("number", 2, 2.0),
        ("number", "2", None),
        ("string", 7, "7"),
        ("string", True, "true"),
        ("string", ["x"], None),
        ("enum", "stop", "stop"),
        ("list", ["a", 1, None], ["a", "1"]),
        ("list", "a", None),
        ("list", None, None),
    ],
)
def test_a_value_of_another_type_is_null_and_breaks_no_file(
    kind: Any, value: object, expected: object
) -> None:
    assert field_value(FieldSpec("x", kind, "x"), value) == expected


def test_a_field_named_as_another_column_is_called_otherwise() -> None:
    names = ("latitude", "geometry", "bbox", "bbox_answer")
    fields = "".join(f'[fields.{name}]\ntype = "string"\ndescription = "d"\n' for name in names)
    spec = parse_task(f'name = "t"\nprompt = "p"\n{fields}').resolve("m")
    plain = [column.name for column in AnswerTable(spec).columns]
    assert {"latitude_answer", "geometry", "bbox", "bbox_answer"} <= set(plain)
    geo = [column.name for column in AnswerTable(spec, ("geometry", "bbox")).columns]
    assert len(set(geo)) == len(geo)
    assert {"geometry_answer", "bbox_answer", "bbox_answer_answer"} <= set(geo)


def test_the_format_is_told_by_the_suffix_or_by_name() -> None:
    assert format_of(Path("a.GeoJSON"), None) is ExportFormat.GEOJSON
    assert format_of(Path("a.parquet"), ExportFormat.GEOPARQUET) is ExportFormat.GEOPARQUET
    with pytest.raises(ConfigurationError, match=r"end it in \.parquet.*--format parquet\|"):
        format_of(Path("a.xlsx"), None)
    with pytest.raises(ConfigurationError, match="--format tuning"):
        format_of(Path("a.jsonl"), None)


def test_times_are_in_utc_whatever_their_zone() -> None:
    file = io.BytesIO()
    there = datetime(2026, 5, 4, 2, tzinfo=timezone(timedelta(hours=2)))
    with open_table(ExportFormat.CSV, file, SPEC) as table:
        table.write([replace(ALL[1], capture_time=there)])
    assert "2026-05-04T00:00:00Z" in file.getvalue().decode()
