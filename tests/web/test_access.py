"""Who may open the page: tokens, sessions, hosts, origins of writes, and the headers of all."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sightline.web.access.roles import PageRole
from tests.web.page import HOST, TOKENS, Page, opened


def test_without_a_session_nothing_of_the_project_is_shown(stranger: TestClient) -> None:
    for path in ("/api/me", "/api/images", "/thumbnails/x", "/openapi.json", "/images", "/no"):
        response = stranger.get(path)
        assert response.status_code == 401, path
        assert response.json() == {
            "error": "not signed in; open the URL that `sightline gallery` prints"
        }


def test_a_person_without_a_session_sees_a_field_for_a_token(stranger: TestClient) -> None:
    response = stranger.get("/images", headers={"accept": "text/html"})
    assert response.status_code == 401
    assert 'name="token"' in response.text
    assert "refresh" not in response.text


def test_a_link_on_another_site_is_followed_once_more_with_the_strict_cookie(
    stranger: TestClient,
) -> None:
    response = stranger.get(
        "/images", headers={"accept": "text/html", "sec-fetch-site": "cross-site"}
    )
    assert response.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in response.text


def test_a_token_is_exchanged_for_a_strict_cookie_and_leaves_the_address(
    stranger: TestClient,
) -> None:
    response = stranger.get(f"/sign-in?token={TOKENS[PageRole.VIEWER]}")
    assert (response.status_code, response.headers["location"]) == (303, "/images")
    cookie = response.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKENS[PageRole.VIEWER] not in cookie
    assert stranger.get("/api/me").json()["role"] == "viewer"


@pytest.mark.parametrize("cookie", ["", "x", "0.0.0", f"{'0' * 16}.1000000.{'0' * 64}"])
def test_a_cookie_that_nobody_signed_opens_nothing(stranger: TestClient, cookie: str) -> None:
    stranger.cookies.set("sightline-session", cookie)
    assert stranger.get("/api/me").status_code == 401


def test_a_script_sends_its_token_in_a_header(stranger: TestClient) -> None:
    def role(token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        return stranger.get("/api/me", headers=headers).status_code

    assert role(TOKENS[PageRole.OWNER]) == 200
    assert role(TOKENS[PageRole.OWNER] + "x") == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", "", "127.0.0.1:x", "[::1"]
)
def test_a_foreign_host_is_refused(owner: TestClient, host: str) -> None:
    response = owner.get("/api/me", headers={"host": host})
    assert response.status_code == 421
    assert "--allow-host" in response.json()["error"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8765", "localhost:1", "[::1]:8765"])
def test_this_machine_has_these_names(owner: TestClient, host: str) -> None:
    assert owner.get("/api/me", headers={"host": host}).status_code == 200


def test_every_response_has_the_policy(owner: TestClient, stranger: TestClient) -> None:
    for browser, path in ((owner, "/images"), (owner, "/no"), (stranger, "/api/me")):
        headers = browser.get(path).headers
        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_below_a_prefix_every_link_has_it(scenes_folder: Path) -> None:
    with opened(scenes_folder / ".sightline", root_path="/sightline") as page:
        browser = TestClient(page.app, f"{HOST}", follow_redirects=False)
        browser.headers["sec-fetch-site"] = "same-origin"
        response = browser.post("/sightline/sign-in", content=f"token={TOKENS[PageRole.OWNER]}")
        assert response.headers["location"] == "/sightline/images"
        assert "Path=/sightline" in response.headers["set-cookie"]
        shell = browser.get("/sightline/images")
        assert shell.status_code == 200
        assert 'href="/sightline/static/' in shell.text
        assert browser.get("/sightline/static/page.css").status_code == 200
        browser.cookies.set("sightline-session", browser.cookies["sightline-session"])  # any path
        stripped = browser.get("/images")
        assert (stripped.status_code, stripped.text) == (200, shell.text)


def test_images_are_listed_with_thumbnails(owner: TestClient) -> None:
    first = owner.get("/api/images?size=2").json()["images"][0]
    response = owner.get(f"/thumbnails/{first['id']}")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")


def test_an_owner_and_a_viewer_see_the_same_images(owner: TestClient, viewer: TestClient) -> None:
    assert owner.get("/api/images").json() == viewer.get("/api/images").json()


def test_the_page_is_one_application(scenes_page: Page) -> None:
    assert scenes_page.client.get("/healthz").text == "ok\n"
