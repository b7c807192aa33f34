"""Writes: who may, from where, and what they leave: views, exports, replays."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from sightline.operations.gallery.exports import open_exports
from sightline.settings import load_settings
from sightline.web.access.roles import PageRole
from tests.waiting import wait_until
from tests.web.page import Page

WRITES = [
    ("PUT", "/api/views/mine", {"state": "images"}),
    ("DELETE", "/api/views/mine", None),
    ("POST", "/api/exports", {"format": "csv", "task": "road_signs", "state": ""}),
    ("DELETE", "/api/exports/x", None),
    ("POST", "/api/dead-letters/replay", {"id": "x"}),
    ("POST", "/api/query-images", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"x-csrf-token": ""},
        {"x-csrf-token": "0" * 64},
    ],
)
def test_a_write_from_another_site_is_refused(
    owner: TestClient, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    response = owner.request(method, path, json=body, headers=headers)
    assert response.status_code == 403
    assert set(response.json()) == {"error"}


def test_without_fetch_metadata_the_origin_decides(owner: TestClient) -> None:
    del owner.headers["sec-fetch-site"]

    def save(origin: str) -> int:
        headers = {"origin": origin} if origin else {}
        return owner.put("/api/views/o", json={"state": ""}, headers=headers).status_code

    assert save("http://127.0.0.1") == 200
    assert [save(origin) for origin in ("", "null", "http://evil.example")] == [403, 403, 403]


@pytest.mark.parametrize(("method", "path", "body"), WRITES[:-1])
def test_a_viewer_changes_nothing(viewer: TestClient, method: str, path: str, body: object) -> None:
    response = viewer.request(method, path, json=body)
    assert response.status_code == 403
    assert "role" in response.json()["error"]


def test_a_reviewer_does_not_replay(scenes_page: Page) -> None:
    reviewer = scenes_page.browser(PageRole.REVIEWER)
    assert reviewer.post("/api/dead-letters/replay", json={"id": "x"}).status_code == 403


def test_a_view_is_seen_by_everybody_and_deleted_by_its_author_or_an_owner(
    scenes_page: Page, scenes_folder: Path, viewer: TestClient, owner: TestClient
) -> None:
    author = scenes_page.browser(PageRole.REVIEWER)
    other = scenes_page.browser(PageRole.REVIEWER)
    other.headers["authorization"] = "Bearer reviewer-" + "t" * 24
    name = "/api/views/" + "„Schilder“ <b>\u202e 2026"
    assert author.put(name, json={"state": "x"}).status_code == 400
    outside = "/api/views/..%2F..%2Foutside"  # a name like any other: files are named by a digest
    assert author.put(outside, json={"state": "x"}).status_code == 200
    assert not [path for path in scenes_folder.rglob("*") if "outside" in path.name]
    assert author.delete(outside).status_code == 204
    path = "/api/views/„Schilder“ <b> 2026"
    assert author.put(path, json={"state": "images?type=road_sign"}).status_code == 200
    views = {view["name"]: view["state"] for view in viewer.get("/api/views").json()["views"]}
    assert views["„Schilder“ <b> 2026"] == "images?type=road_sign"
    assert other.delete(path).status_code == 403
    assert other.put(path, json={"state": ""}).status_code == 403
    assert owner.delete(path).status_code == 204
    assert owner.delete(path).status_code == 404


@pytest.mark.parametrize("format_", ["parquet", "geoparquet", "geojson", "gpkg", "csv"])
def test_an_export_is_written_in_the_background_in_every_format(
    scenes_page: Page, format_: str
) -> None:
    browser = scenes_page.browser(PageRole.REVIEWER)
    answers = {"format": format_, "task": "road_signs", "state": "type=road_sign"}
    started = browser.post("/api/exports", json=answers)
    assert started.status_code == 202, started.text
    path = f"/api/exports/{started.json()['id']}"
    wait_until(lambda: browser.get(path).json()["state"] != "running")
    job = browser.get(path).json()
    assert (job["state"], job["error"]) == ("done", None)
    file = browser.get(f"{path}/file")
    assert "attachment" in file.headers["content-disposition"]
    assert len(file.content) == job["bytes"] > 0
    if format_ == "parquet":
        assert pq.read_table(BytesIO(file.content)).num_rows == job["done"]
    assert browser.delete(path).status_code == 204
    assert browser.get(path).status_code == 404


def test_an_export_has_the_answers_about_the_selected_images_alone(scenes_page: Page) -> None:
    browser = scenes_page.browser(PageRole.REVIEWER)
    facet = "f.road_signs.condition=clean&f.road_signs.lighting=day"
    selected = browser.get(f"/api/images?{facet}&size=200").json()["images"]
    assert selected
    wanted = {"format": "parquet", "task": "road_signs", "state": facet}
    path = f"/api/exports/{browser.post('/api/exports', json=wanted).json()['id']}"
    wait_until(lambda: bool(browser.get(path).json()["state"] != "running"))
    assert browser.get(path).json()["error"] is None
    table = pq.read_table(BytesIO(browser.get(f"{path}/file").content))
    exported = set(table.column("observation_id").to_pylist())
    assert exported == {image["id"] for image in selected}


def test_an_export_that_fails_says_why_without_naming_files(scenes_page: Page) -> None:
    browser = scenes_page.browser(PageRole.OWNER)
    wanted = {"format": "tuning", "task": "road_signs", "state": ""}
    path = f"/api/exports/{browser.post('/api/exports', json=wanted).json()['id']}"
    wait_until(lambda: browser.get(path).json()["state"] != "running")
    job = browser.get(path).json()
    assert job["state"] == "failed"
    assert "sightline upload" in job["error"]
    assert browser.get(f"{path}/file").status_code == 409
    assert zipfile.is_zipfile(BytesIO(browser.get(f"{path}/file").content)) is False


def test_what_a_killed_process_exported_is_removed(tmp_path: Path) -> None:
    settings = load_settings(environment={}, overrides={"home": tmp_path})
    left_behind = tmp_path / "gallery" / "exports" / "killed" / "job"
    left_behind.mkdir(parents=True)
    with open_exports(settings), open_exports(settings):
        assert not left_behind.parent.exists()
        assert len(list((tmp_path / "gallery" / "exports").iterdir())) == 2
    assert list((tmp_path / "gallery" / "exports").iterdir()) == []


def test_the_runs_are_reported(viewer: TestClient) -> None:
    now = viewer.get("/api/run").json()
    assert now["runs"][0]["state"] == "done"
    assert now["left"] == 0
    assert now["error"] is None


def test_replaying_an_image_without_dead_letters_sends_nothing(owner: TestClient) -> None:
    images = owner.get("/api/images?size=60").json()["images"]
    alive = next(image["id"] for image in images if not image["dead"])
    response = owner.post("/api/dead-letters/replay", json={"id": alive})
    assert response.json() == {"replayed": 0}
    assert owner.post("/api/dead-letters/replay", json={"id": "nothing"}).status_code == 404


def test_a_large_body_is_refused(owner: TestClient) -> None:
    response = owner.put("/api/views/large", json={"state": "x" * 300_000})
    assert response.status_code == 413
