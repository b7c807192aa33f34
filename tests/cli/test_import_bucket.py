"""``sightline import gs://…`` makes observations of what is in a bucket, and opens none of it."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest

from sightline.settings import load_settings
from sightline.wiring.paths import source_path
from tests.cli.cloud_rig import CloudProject
from tests.cli.conftest import Command, Mistake, Shown
from tests.cli.test_upload import rows_of

pytestmark = pytest.mark.needs("go")

LOCAL = {"SIGHTLINE_ADAPTERS__WAREHOUSE": "local", "SIGHTLINE_ADAPTERS__QUEUE": "local"}


def put(bucket: Any, name: str, content: bytes = b"x", **metadata: str) -> None:
    """Put an object; what it holds is never looked at."""
    blob = bucket.blob(name)
    blob.metadata = metadata or None
    blob.upload_from_string(content, content_type=_type_of(name))


def _type_of(name: str) -> str:
    return "text/plain" if name.endswith(".txt") else "image/jpeg"


@pytest.fixture
def posters(bucket: Any, project: CloudProject) -> str:
    """Return the URI of a folder with two posters, a copy of one, a text and an empty file."""
    put(bucket, "posters/a.jpg", b"a", latitude="52.1", longitude="5.2", asset_id="wall-1")
    put(bucket, "posters/deep/b ü.jpg", b"b")
    put(bucket, "posters/deep/copy.jpg", b"b")
    put(bucket, "posters/readme.txt", b"no image")
    put(bucket, "posters/empty.jpg", b"")
    put(bucket, "elsewhere/c.jpg", b"c")
    return f"gs://{project.bucket}/posters"


def test_a_bucket_becomes_observations_of_the_local_engine(
    sightline: Command, posters: str, project: CloudProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in LOCAL.items():
        monkeypatch.setenv(name, value)
    report = sightline("import", posters, "--asset-type", "film_poster")
    assert (report["imported"], report["ignored"], report["empty"]) == (2, 1, 1)
    assert (report["refused_by_reason"], report["notes"]) == ({"duplicate": 1}, [])
    (refused,) = report["refusals"]
    assert refused["where"] == f"{posters}/deep/copy.jpg"
    assert refused["detail"] == f"the same content as {posters}/deep/b ü.jpg"
    again = sightline("import", posters, "--asset-type", "film_poster")
    assert (again["imported"], again["unchanged"]) == (0, 2)
    (file,) = source_path(load_settings()).glob("*.parquet")
    rows = pq.read_table(file).to_pylist()
    assets = {row["gcs_uri"].rpartition("/")[2]: row["asset_id"] for row in rows}
    names = {row["gcs_uri"].rpartition("/")[2]: row["observation_id"] for row in rows}
    assert assets == {"a.jpg": "wall-1", "b ü.jpg": names["b ü.jpg"]}
    assert {row["gcs_uri"].partition("/posters/")[2] for row in rows} == {"a.jpg", "deep/b ü.jpg"}


def test_a_bucket_is_loaded_into_the_source_table(
    sightline: Command, posters: str, project: CloudProject
) -> None:
    report = sightline("import", posters, "--asset-type", "film_poster")
    assert (report["imported"], report["table"], report["total"]) == (2, project.source, 2)
    rows = {row["gcs_uri"].rpartition("/")[2]: row for row in rows_of(project.source)}
    assert set(rows) == {"a.jpg", "b ü.jpg"}
    assert (rows["a.jpg"]["latitude"], rows["a.jpg"]["longitude"]) == (52.1, 5.2)
    assert rows["b ü.jpg"]["latitude"] is None
    assert {row["asset_type"] for row in rows.values()} == {"ASSET_CLASS_FILM_POSTER"}
    again = sightline("import", posters, "--asset-type", "film_poster")
    assert again["total"] == 2


@pytest.mark.parametrize("engine", ["local", "gcp"])
def test_what_is_refused_is_named_by_the_object_and_said_to_people(
    shown: Shown, bucket: Any, project: CloudProject, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    for name, value in LOCAL.items() if engine == "local" else ():
        monkeypatch.setenv(name, value)
    put(bucket, "walls/a.jpg", b"a", latitude="91", longitude="5.2")
    put(bucket, "walls/b.jpg", b"b", latitude="52.1")
    put(bucket, "walls/c.jpg", b"c", capture_time="soon")
    put(bucket, "walls/d.jpg", b"d")
    code, out, err = shown(
        "import", f"gs://{project.bucket}/walls", "--asset-type", "wall", "--new-type"
    )
    assert (code, "row " in out) == (0, False), err
    assert out.startswith("1 imported, 0 unchanged, 3 refused,")
    for name, reason in (("a", "bad_position"), ("b", "bad_position"), ("c", "bad_time")):
        assert f"  refused gs://{project.bucket}/walls/{name}.jpg: {reason}: " in out


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("gs://{bucket}/nothing", "contains no images; give a prefix that does"),
        ("gs://no-such-bucket-at-all/x", "does not exist; correct its name, or create it"),
        ("gs://UPPER/x", "is not accepted; accepted: gs://bucket/prefix"),
    ],
)
def test_what_cannot_be_listed_is_said_in_one_line(
    bucket: Any, project: CloudProject, mistake: Mistake, uri: str, says: str
) -> None:
    mistake("import", uri.format(bucket=project.bucket), says=says)


def test_without_a_table_bigquery_has_nowhere_to_load(
    posters: str, project: CloudProject, mistake: Mistake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_BIGQUERY__SOURCE", "")
    assert load_settings().bigquery.source == ""
    mistake("import", posters, says="give --source-table, or set bigquery.source")
