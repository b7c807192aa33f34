"""Files and images that an import does not read: each is named, with what to do instead."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import UUID

import geopandas
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
import shapely
from PIL import Image

from sightline.errors import ConfigurationError
from sightline.local.images import path_of
from sightline.local.importing.foreign_formats import FOREIGN_FORMATS
from tests.geodata.gis_samples import written
from tests.local.imports import reasons
from tests.local.tables import HEADER, Folder, needed


@pytest.mark.parametrize(
    "suffix", [suffix for known in FOREIGN_FORMATS for suffix in known.suffixes]
)
def test_a_file_of_another_format_is_named_with_a_remedy(folder: Folder, suffix: str) -> None:
    (known,) = [known for known in FOREIGN_FORMATS if suffix in known.suffixes]
    with pytest.raises(ConfigurationError) as caught:
        folder.load(b"some content\n", f"my survey{suffix.upper()}")
    assert f"is {known.name}, which is not read; " in str(caught.value)
    assert ", and import " in str(caught.value)
    assert "{" not in str(caught.value).replace("${", "")
    if "{file}" in known.remedy:
        assert shlex.quote(str(folder.root / f"my survey{suffix.upper()}")) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"SQLite format 3\0" + b"\0" * 100, "a database of SQLite"),
        (b"\x1f\x8b\x08", "a compressed file"),
        (b"%PDF-1.7", "a PDF"),
        (b"ARROW1\0\0", "an Arrow file"),
    ],
)
def test_a_format_is_told_by_its_content_where_the_name_says_nothing(
    folder: Folder, content: bytes, name: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"is {name}, which is not read"):
        folder.load(content, "survey")


def test_a_workbook_is_told_from_an_archive_by_its_name(folder: Folder) -> None:
    for name, says in (("t.xlsx", "an Excel workbook"), ("t.zip", "an archive")):
        with zipfile.ZipFile(folder.root / name, "w") as archive:
            archive.writestr("xl/workbook.xml", "")
        with pytest.raises(ConfigurationError, match=says):
            folder.load_file(folder.root / name)


@pytest.mark.parametrize("suffix", [".jsonl", ".feather", ".orc"])
def test_the_command_that_converts_a_file_works(folder: Folder, suffix: str) -> None:
    table = pa.table({**needed(2), "location": [{"lat": 52.37, "lng": 4.89}, None]})
    file = folder.root / f"my survey{suffix}"
    if suffix == ".feather":
        pyarrow.feather.write_feather(table, file)
    elif suffix == ".orc":
        pyarrow.orc.write_table(table, file)
    else:
        file.write_bytes(b'{"observation_id":"a","asset_type":"T","gcs_uri":"gs://b/o",'
                         b'"location":{"lat":52.37,"lng":4.89}}\n')  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        folder.load_file(file)
    _, command, then = str(caught.value).split("`")
    subprocess.run(command, shell=True, check=True, cwd="/")
    (written,) = shlex.split(then.removeprefix(", and import "))
    report = folder.load_file(Path(written))
    assert report.refused_count == 0
    assert (52.37, 4.89) in folder.positions()


def test_uuids_that_the_converting_command_writes_are_read_as_text(folder: Folder) -> None:
    name = "0f8fad5b-d9cb-469f-a165-70867728950e"
    row = {"observation_id": name, "asset_type": "T", "gcs_uri": "gs://b/o"}
    (folder.root / "t.json").write_text(json.dumps([row]))
    with pytest.raises(ConfigurationError) as caught:
        folder.load_file(folder.root / "t.json")
    subprocess.run(str(caught.value).split("`")[1], shell=True, check=True, cwd="/")
    kind = pq.read_schema(folder.root / "t.parquet").field("observation_id").type
    assert kind == pa.uuid()
    assert folder.load_file(folder.root / "t.parquet").imported == 1
    assert [row["observation_id"] for row in folder.rows()] == [name]


def test_the_command_for_a_gpx_track_names_the_file_to_import(folder: Folder) -> None:
    with pytest.raises(ConfigurationError) as caught:
        folder.load("<gpx/>", "x.gpx")
    at = folder.root / "x"
    assert str(caught.value).endswith(f"{at}.csv {at}.gpx waypoints`, and import {at}.csv")


@pytest.mark.parametrize("name", ["fake.parquet", "fake.pq", "FAKE.GeoParquet"])
def test_a_file_that_is_only_named_like_parquet_is_refused(folder: Folder, name: str) -> None:
    with pytest.raises(ConfigurationError, match="named like a Parquet file, and its content is"):
        folder.load("hello\n1\n", name)


@pytest.mark.parametrize("store_schema", [True, False])
@pytest.mark.parametrize("name", ["observation_id", "asset_id", "snapshot_id"])
def test_a_column_of_uuids_is_read_as_text(folder: Folder, name: str, store_schema: bool) -> None:
    names = [UUID(int=number) for number in (1, 2)]
    table = pa.table(
        {**needed(3), name: pa.array([*(known.bytes for known in names), None], pa.uuid())}
    )
    pq.write_table(table, folder.root / "t.parquet", store_schema=store_schema)
    report = folder.load_file(folder.root / "t.parquet")
    assert reasons(report) == ([("row 3", "empty_id")] if name == "observation_id" else [])
    assert {row[name] for row in folder.rows()} >= {str(known) for known in names}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web site with two images of one name."""
    for folder in ("a", "b"):
        (tmp_path / "site" / folder).mkdir(parents=True)
        Image.new("RGB", (8, 8), "red" if folder == "a" else "blue").save(
            tmp_path / "site" / folder / "1.png"
        )
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "site")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.needs("curl")
def test_images_on_the_web_are_fetched_by_the_command_that_is_told(
    folder: Folder, site: str
) -> None:
    rows = "".join(f'{name},T,{site}/{name}/1.png,"{site}/map?of={name}"\n' for name in ("a", "b"))
    report = folder.load(f"{HEADER},map_url\n{rows}", "my table.csv")
    assert reasons(report) == [("row 2", "bad_uri"), ("row 3", "bad_uri")]
    assert (
        "is on the web; copy the images into a folder or a bucket first"
        in report.refusals[0].detail
    )
    command = report.notes[-1].text.split("`")[1]
    subprocess.run(command, shell=True, check=True, cwd=folder.root, stderr=subprocess.PIPE)
    report = folder.load_file(folder.root / "my table-local.csv")
    assert (report.imported, report.outside_count) == (2, 0)
    colours = []
    for row in folder.rows():
        with Image.open(path_of(row["gcs_uri"])) as image:
            colours.append(image.getpixel((0, 0)))
        assert row["map_url"] == f"{site}/map?of={row['observation_id']}"
    assert colours == [(255, 0, 0), (0, 0, 255)]


def test_the_interpreter_that_converts_is_the_one_that_runs(folder: Folder) -> None:
    with pytest.raises(ConfigurationError, match=sys.executable):
        folder.load(b"{}", "t.json")


def test_images_in_s3_are_copied_by_the_command_that_is_told(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = folder.load(f"{HEADER}\na,T,s3://b/p/1.png\nb,T,s3://b/../2.png\n", "t.csv")
    assert reasons(report) == [("row 2", "bad_uri"), ("row 3", "bad_uri")]
    assert "is in Amazon S3; copy the images into a folder or a bucket first" in (
        report.refusals[0].detail
    )
    (note,) = report.notes
    stand_in = folder.root / "bin" / "aws"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\nmkdir -p "$(dirname "$5")" && echo "$4" > "$5"\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    subprocess.run(note.text.split("`")[1], shell=True, check=True, cwd=folder.root)
    assert (folder.root / "images/b/p/1.png").read_text() == "s3://b/p/1.png\n"
    assert not (folder.root / "images/b/../2.png").exists()
    again = folder.load_file(folder.root / "t-local.csv")
    assert (again.imported, again.outside_count) == (2, 0)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("https://h/a.jpg", "is on the web"),
        ("abfs://c@account.dfs.core.windows.net/a.jpg", "is in Azure Blob Storage"),
        ("ftp://h/a.jpg", "is neither gs://bucket/object, file:///path nor a path"),
    ],
)
def test_an_image_elsewhere_is_refused_with_what_to_do(folder: Folder, uri: str, says: str) -> None:
    report = folder.load(f"{HEADER}\na,T,{uri}\n")
    assert reasons(report) == [("row 2", "bad_uri")]
    assert report.refusals[0].detail == (
        f"'{uri}' {says}; copy the images into a folder or a bucket first"
    )


@pytest.mark.parametrize("name", ["t.parquet", "t.gpkg", "t"])
def test_images_elsewhere_in_a_binary_file_lead_to_a_csv_file(folder: Folder, name: str) -> None:
    columns = {**needed(1), "gcs_uri": ["s3://b/1.jpg"]}
    if name.endswith("gpkg"):
        written(geopandas.GeoDataFrame(columns, geometry=[shapely.Point(5, 52)], crs=4326),
                folder.root / name)  # fmt: skip
    else:
        pq.write_table(pa.table(columns), folder.root / name)
    report = folder.load_file(folder.root / name)
    (note,) = report.notes
    assert note.text == (
        "some images are not on this machine; a command that fetches them is shown if the table is"
        " saved as CSV, and that is imported"
    )
