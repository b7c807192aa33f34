"""The page's code and styles: whole, kept by browsers, and every module that another imports."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from sightline.web.assets import STATIC

IMPORTED = re.compile(r"""(?:from |import\()"(\./[^"]+)""")


def test_a_browser_that_has_a_file_is_not_sent_it_again(stranger: TestClient) -> None:
    first = stranger.get("/static/app.js")
    second = stranger.get("/static/app.js", headers={"if-none-match": first.headers["etag"]})

    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-cache"
    assert second.status_code == 304


def test_cards_look_as_in_contact_sheets(stranger: TestClient) -> None:
    styles = stranger.get("/static/grid.css")
    assert styles.headers["content-type"].startswith("text/css")
    assert ".sightline-card" in styles.text


def test_each_file_that_a_page_or_a_module_names_is_served(
    owner: TestClient, stranger: TestClient
) -> None:
    shell = owner.get("/images").text
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', shell))
    for module in STATIC.glob("*.js"):
        named |= {f"/static/{name[2:]}" for name in IMPORTED.findall(module.read_text())}

    assert len(named) > 20
    for path in named:
        assert stranger.get(path).status_code == 200, path


def test_modules_put_no_markup_into_the_page() -> None:
    for module in STATIC.glob("*.js"):
        text = module.read_text()
        for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert risky not in text, f"{module.name}: {risky}"
