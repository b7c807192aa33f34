"""The map of the selection: points, an outline drawn by hand, the visible extent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.city import write_city
from tests.web.browser.conftest import Gallery, NewPage, signed_in
from tests.web.browser.gallery_process import SCENES, served

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]


def shown(page: Page) -> None:
    """Wait until the map has its points."""
    expect(page.locator(".map-area")).to_have_attribute("data-points", re.compile(r"^[1-9]\d*$"))


def test_an_outline_drawn_on_the_map_becomes_a_filter(new_page: NewPage) -> None:
    page = new_page("/map")
    shown(page)

    page.get_by_role("button", name="Draw around").click()
    box = page.locator(".map-frame").bounding_box()
    assert box is not None
    corners = [(0, 0), (0.6, 0), (0.6, 1), (0, 1)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(points[0][0] + 2, points[0][1] + 2)
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(x, y - 2 if y > box["y"] else y + 2, steps=5)
    page.mouse.up()

    expect(page).to_have_url(re.compile("poly="))
    expect(page.locator(".count")).not_to_have_text(f"{SCENES} images")
    expect(page.locator(".chip")).to_contain_text("in a drawn outline")
    page.get_by_role("button", name="Remove outline").click()
    expect(page.locator(".count")).to_have_text(f"{SCENES} images")


@pytest.mark.extended
def test_the_visible_extent_becomes_a_filter_and_follows_the_map(new_page: NewPage) -> None:
    page = new_page("/map")
    shown(page)

    page.get_by_label("Only what the map shows").check()
    expect(page).to_have_url(re.compile("box="))
    before = page.url
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()

    expect(page).not_to_have_url(before)
    expect(page.locator(".count")).not_to_have_text(f"{SCENES} images")
    page.get_by_label("Only what the map shows").uncheck()
    expect(page.locator(".count")).to_have_text(f"{SCENES} images")


@pytest.mark.extended
def test_many_images_are_counted_by_cells_until_few_are_in_sight(
    new_page: NewPage, browser: Browser, gallery: Gallery, tmp_path: Path
) -> None:
    scenes = gallery.home.parent / "scenes"
    pictures = [max(scenes.rglob("*.jpg")).as_uri()]
    write_city(tmp_path / ".sightline" / "warehouse", 21_000, vectors=False, pictures=pictures)
    roots = {"SIGHTLINE_IMAGES__ROOTS": json.dumps([str(scenes)])}
    with served(tmp_path / ".sightline", settings=roots) as url:
        page = new_page("/map", of=signed_in(browser, tmp_path / ".sightline", url))
        expect(page.locator(".map-area")).to_have_attribute("data-points", "0")
        expect(page.locator(".map-note")).to_contain_text("counted by cells")

        page.get_by_role("button", name="Zoom in").click()

        shown(page)
        expect(page.locator(".map-area")).to_have_attribute("data-cells", "0")
        page.goto("about:blank")


@pytest.mark.extended
def test_the_map_and_the_grid_show_each_other_the_image_under_the_pointer(
    new_page: NewPage,
) -> None:
    page = new_page("/map")
    shown(page)
    page.locator(".card").first.hover()

    expect(page.locator(".card.hovered")).to_have_count(1)
    expect(page.locator(".map-frame")).to_have_attribute("title", re.compile("[A-Z]"))
