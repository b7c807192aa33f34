"""``sightline upload`` brings photographs into a bucket, and their observations into a table."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from typing import Any

import pytest

from sightline.cli import main
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.columns import SourceTable
from sightline.gcp.storage import StoragePlace, Upload, open_storage, upload_files
from sightline.gcp.storage import upload as uploading
from sightline.gcp.storage.uri import BucketPrefix
from sightline.settings import load_settings
from sightline.wiring.places import bigquery_place
from tests.cli.cloud_rig import CloudProject
from tests.cli.conftest import SCENES, Command, Mistake

pytestmark = pytest.mark.needs("go")


def rows_of(source: str) -> list[dict[str, Any]]:
    """Return the observations of a source, as a work list would read them."""
    table = SourceTable(source)

    async def read() -> list[dict[str, Any]]:
        async with BigQueryClient.open(bigquery_place(load_settings())) as client:
            schema = await client.use(lambda library: library.get_table(source).schema)
            table.check(schema)
            rows_read = await client.rows(
                "SELECT observation_id, gcs_uri, latitude, longitude, capture_time, bbox_x_min,"
                " bbox_y_max, camera_pose_heading, asset_type, map_url"
                f" FROM ({table.select()}) ORDER BY 1"
            )
        names = ("observation_id", "gcs_uri", "latitude", "longitude", "capture_time", "x_min",
                 "y_max", "heading", "asset_type", "map_url")  # fmt: skip
        return [dict(zip(names, row, strict=True)) for row in rows_read]

    return asyncio.run(read())


def test_a_folder_s_photographs_and_its_table_are_uploaded(
    sightline: Command, project: CloudProject, bucket: Any, scenes: Path
) -> None:
    report = sightline("upload", str(scenes))
    assert report["uri"] == f"gs://{project.bucket}/scenes"
    assert (report["uploaded"], report["there"], report["failed"]) == (SCENES + 1, 0, 0)
    names = {blob.name: blob for blob in bucket.list_blobs()}
    images = {f"scenes/{path.relative_to(scenes).as_posix()}" for path in scenes.rglob("*.jpg")}
    assert set(names) == {*images, "scenes/observations.csv"}
    image = min(images)
    assert names[image].download_as_bytes() == (scenes.parent / image).read_bytes()
    assert names[image].content_type == "image/jpeg"


def test_uploading_again_sends_only_what_is_new_or_differs(
    sightline: Command, project: CloudProject, bucket: Any, scenes: Path
) -> None:
    sightline("upload", str(scenes), f"gs://{project.bucket}/a/b")
    again = sightline("upload", str(scenes), f"gs://{project.bucket}/a/b")
    assert (again["uploaded"], again["there"], again["bytes_sent"]) == (0, SCENES + 1, 0)
    changed, new = min(scenes.rglob("*.jpg")), scenes / "new.jpg"
    changed.write_bytes(changed.read_bytes()[::-1])
    new.write_bytes(b"\xff\xd8\xff")
    third = sightline("upload", str(scenes), f"gs://{project.bucket}/a/b")
    assert (third["uploaded"], third["replaced"], third["there"]) == (1, 1, SCENES)
    blob = bucket.blob(f"a/b/{changed.relative_to(scenes).as_posix()}")
    assert blob.download_as_bytes() == changed.read_bytes()


def test_a_broken_off_upload_goes_on_where_it_stopped(
    sightline: Command,
    project: CloudProject,
    bucket: Any,
    scenes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, calls = uploading._send, 0

    def interrupted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 20:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(uploading, "_send", interrupted)
        assert main(["upload", str(scenes), "--threads", "1"]) == 130
    there = len(list(bucket.list_blobs()))
    assert 0 < there <= 20
    report = sightline("upload", str(scenes))
    assert (report["uploaded"], report["there"]) == (SCENES + 1 - there, there)


def test_a_file_that_cannot_be_read_fails_alone(
    sightline: Command, project: CloudProject, bucket: Any, scenes: Path
) -> None:
    gone = scenes / "gone.jpg"
    gone.write_bytes(b"x")
    target = BucketPrefix(project.bucket, "p")
    place = StoragePlace("p", load_settings().gcs.endpoint)
    files = [Upload(gone, "gone.jpg"), Upload(min(scenes.rglob("*-*.jpg")), "there.jpg")]
    gone.unlink()
    with open_storage(place) as client:
        report = upload_files(client, place, target, files, threads=2)
    assert (report.uploaded, report.failed_count) == (1, 1)
    assert report.failed == ["gone.jpg: No such file or directory"]


def test_an_object_that_another_wrote_meanwhile_is_not_overwritten(
    project: CloudProject, bucket: Any, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = min(scenes.rglob("*.jpg"))
    monkeypatch.setattr(uploading, "_listing", lambda *_: {})  # it was not there a moment ago
    place = StoragePlace("p", load_settings().gcs.endpoint)
    files = [Upload(image, "one.jpg")]
    with open_storage(place) as client:
        bucket.blob("p/one.jpg").upload_from_string(b"theirs")
        with pytest.raises(Exception, match="was changed by another process during the upload"):
            upload_files(client, place, BucketPrefix(project.bucket, "p"), files, threads=1)
        assert bucket.blob("p/one.jpg").download_as_bytes() == b"theirs"
        bucket.blob("p/one.jpg").upload_from_filename(str(image))
        report = upload_files(client, place, BucketPrefix(project.bucket, "p"), files, threads=1)
    assert report.uploaded == 1


def test_the_demo_s_collection_becomes_a_source(
    sightline: Command, project: CloudProject, bucket: Any, scenes: Path
) -> None:
    table = scenes / "observations.csv"
    observations = sightline("upload", str(scenes), "--observations", str(table))["observations"]
    assert (observations["table"], observations["loaded"], observations["total"]) == (
        project.source,
        SCENES,
        SCENES,
    )
    with table.open(encoding="utf-8") as lines:
        expected = sorted(csv.DictReader(lines), key=lambda row: row["observation_id"])
    rows = rows_of(project.source)
    assert [row["observation_id"] for row in rows] == [row["observation_id"] for row in expected]
    for row, line in zip(rows, expected, strict=True):
        assert row["gcs_uri"] == f"gs://{project.bucket}/scenes/{line['gcs_uri']}"
        assert row["latitude"] == float(line["latitude"])
        assert row["capture_time"].isoformat() == line["capture_time"].replace("Z", "+00:00")
        assert line["bbox"].startswith(f'{{"x_min": {row["x_min"]:g}, ')
        assert row["asset_type"] == line["asset_type"]
        assert row["map_url"] == line["map_url"]


def test_loading_again_merges_and_keeps_what_others_loaded(
    sightline: Command, project: CloudProject, bucket: Any, scenes: Path
) -> None:
    table = scenes / "observations.csv"
    sightline("upload", str(scenes), "--observations", str(table))
    lines = table.read_text(encoding="utf-8").splitlines()
    half = scenes / "half.csv"
    half.write_text("\n".join([lines[0], *lines[1:11]]).replace("ASSET_CLASS_", "ASSET_CLASS_MY_"))
    observations = sightline("upload", str(scenes), "--observations", str(half))["observations"]
    assert (observations["loaded"], observations["total"]) == (10, SCENES)
    kinds = [row["asset_type"].startswith("ASSET_CLASS_MY_") for row in rows_of(project.source)]
    assert sum(kinds) == 10

    async def tables() -> set[str]:
        async with BigQueryClient.open(bigquery_place(load_settings())) as client:
            dataset = project.source.rpartition(".")[0]
            return await client.use(
                lambda library: {table.table_id for table in library.list_tables(dataset)}
            )

    assert asyncio.run(tables()) == {project.source.rpartition(".")[2]}


def test_photographs_without_a_table_become_observations_by_their_content(
    sightline: Command, project: CloudProject, bucket: Any, scenes: Path
) -> None:
    (scenes / "observations.csv").unlink()
    (scenes / "broken.jpg").write_bytes(b"no image")
    report = sightline(
        "upload", str(scenes), "--source-table", project.source, "--asset-type", "road_sign"
    )
    assert report["observations"]["loaded"] == SCENES
    assert report["observations"]["refused"] == 1
    rows = rows_of(project.source)
    assert {row["asset_type"] for row in rows} == {"ASSET_CLASS_ROAD_SIGN"}
    assert all(row["gcs_uri"].startswith(f"gs://{project.bucket}/scenes/") for row in rows)


def test_an_observation_whose_image_is_not_in_the_folder_is_left_out_and_told(
    sightline: Command, project: CloudProject, bucket: Any, scenes: Path
) -> None:
    gone = min(scenes.rglob("*.jpg"))
    gone.unlink()
    observations = sightline(
        "upload", str(scenes), "--observations", str(scenes / "observations.csv")
    )["observations"]
    assert (observations["loaded"], observations["without_image"]) == (SCENES - 1, 1)
    assert gone.stem in observations["left_out"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("scenes", "gs://"), "accepted: gs://bucket/prefix"),
        (("nowhere",), "give one with photographs"),
        (("scenes", "--observations", "none.csv"), "none.csv: no such file; give a table"),
        (("scenes", "--source-table", "two.parts"), "accepted: project.dataset.table"),
        (("scenes", "gs://no-such-bucket"), "run `gcloud storage buckets create gs://no-such-buck"),
    ],
)
def test_what_cannot_be_uploaded_is_told_in_one_line(
    arguments: tuple[str, ...],
    message: str,
    project: CloudProject,
    scenes: Path,
    mistake: Mistake,
) -> None:
    mistake("upload", *arguments, says=message)


def test_a_ledger_is_no_table_for_observations(
    project: CloudProject, bucket: Any, scenes: Path, mistake: Mistake
) -> None:
    ledger = f"{project.name}.{project.dataset}.observations"
    mistake("upload", str(scenes), "--source-table", ledger,
            says="is one of Sightline's ledgers; give another name")  # fmt: skip


def test_a_name_that_no_object_can_have_is_told_before_anything_is_sent(
    project: CloudProject, bucket: Any, scenes: Path, mistake: Mistake
) -> None:
    (scenes / "red\x1b.jpg").write_bytes(b"x")
    mistake("upload", str(scenes), says="give the file a plain, shorter name")
    assert list(bucket.list_blobs()) == []


def test_a_table_is_read_with_the_options_of_an_import(
    sightline: Command, project: CloudProject, bucket: Any, scenes: Path
) -> None:
    image = min(scenes.rglob("*.jpg")).relative_to(scenes).as_posix()
    table = scenes / "signs.csv"
    table.write_text(
        "observation_id;asset_type;image;lat;lon;capture_time\n"
        f"own-1;verkeersbord;{image};52,5;5,25;03.05.2024 10:30\n"
    )
    loaded = sightline(
        "upload", str(scenes), "--observations", str(table), "--column", "gcs_uri=image",
        "--decimal", ",", "--date-format", "%d.%m.%Y %H:%M",
    )["observations"]  # fmt: skip
    assert (loaded["loaded"], loaded["refused"]) == (1, 0)
    assert "no task covers this type" in str(loaded["notes"])
    (row,) = rows_of(project.source)
    assert (row["latitude"], row["longitude"]) == (52.5, 5.25)
    assert row["capture_time"].isoformat() == "2024-05-03T10:30:00+00:00"
