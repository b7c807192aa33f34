"""What a person does with a selection: exports it, names it, watches the run behind it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browser.conftest import NewPage, signed_in
from tests.web.browser.gallery_process import SCENES, rendered_images, run, served

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]


def test_the_palette_exports_the_selection_in_the_background(new_page: NewPage) -> None:
    page = new_page("/images?f.answered=road_signs")
    expect(page.locator(".card").first).to_be_visible()
    signs = int(page.locator(".count").inner_text().split()[0])

    page.keyboard.press("/")
    page.keyboard.type("export")
    page.keyboard.press("Enter")
    page.get_by_label("Format").select_option("csv")
    page.get_by_label("Answers of").select_option("road_signs")
    page.get_by_role("button", name="Export", exact=True).last.click()

    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    rows = download.value.path().read_text().splitlines()
    assert len(rows) == 1 + signs


def test_the_run_shows_its_balance_live(new_page: NewPage) -> None:
    page = new_page("/run")

    expect(page.locator(".run-live")).to_have_text("Live")
    expect(page.locator(".run .legend").first).to_contain_text(re.compile(r"Written \d+"))
    page.get_by_role("link", name="Image gone").click()
    expect(page.locator(".card-dead").first).to_be_visible()


@pytest.mark.extended
def test_a_run_is_followed_without_loading_the_page_again(
    new_page: NewPage, browser: Browser, tmp_path: Path
) -> None:
    home = rendered_images(tmp_path, scenes=6)
    run(home, "enqueue")
    with served(home) as url:
        page = new_page("/run", of=signed_in(browser, home, url))
        expect(page.locator(".run .legend")).to_contain_text("In the queue 12")

        run(home, "work", "--drain")

        expect(page.locator(".run .legend")).to_have_text(re.compile(r"^Written 12$"))
        page.goto("about:blank")


@pytest.mark.extended
def test_a_saved_view_is_there_for_others_until_it_is_deleted(new_page: NewPage) -> None:
    page = new_page("/images?f.asset_type=ASSET_CLASS_ROAD_SIGN&sort=oldest")
    page.get_by_role("button", name="Saved views").click()
    page.get_by_label("Name of the view").fill("<b>Signs</b> & more")
    page.get_by_role("button", name="Save this view").click()

    other = new_page("/images")
    other.get_by_role("button", name="Saved views").click()
    other.get_by_role("link", name="<b>Signs</b> & more").click()
    expect(other).to_have_url(re.compile(r"f\.asset_type=ASSET_CLASS_ROAD_SIGN&sort=oldest$"))
    other.get_by_role("button", name="Saved views").click()
    other.get_by_role("button", name="Delete <b>Signs</b> & more").click()
    expect(other.get_by_text("No view is saved yet.")).to_be_visible()


@pytest.mark.extended
def test_picked_images_become_the_selection(new_page: NewPage) -> None:
    page = new_page("/images")
    expect(page.locator(".card").nth(3)).to_be_visible()

    page.locator(".card").nth(0).focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.get_by_role("button", name="Show only these").click()

    expect(page.locator(".count")).to_have_text("2 images")
    page.go_back()
    expect(page.locator(".count")).to_have_text(f"{SCENES} images")
