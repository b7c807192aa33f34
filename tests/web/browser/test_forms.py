"""The page on a phone, in the dark, and on paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import PHONE, NewPage

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.extended,
]


def test_a_phone_shows_all_of_it_without_scrolling_sideways(new_page: NewPage) -> None:
    page = new_page("/images?q=a+stop+sign&f.asset_type=ASSET_CLASS_ROAD_SIGN", size=PHONE)
    expect(page.locator(".card").first).to_be_visible()

    for view in ("Images", "Map", "Run"):
        page.get_by_role("link", name=view, exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.get_by_role("link", name="Images", exact=True).click()
    expect(page.locator(".rail")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(page.locator(".rail .facet-value").first).to_be_visible()


def test_colours_follow_the_system_until_they_are_chosen(new_page: NewPage) -> None:
    page = new_page("/images", color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.get_by_role("button", name="Light or dark").click()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()

    assert light == "rgb(255, 255, 255)" != dark
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light


def test_paper_shows_the_images_without_controls(new_page: NewPage) -> None:
    page = new_page("/images")
    expect(page.locator(".card").first).to_be_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    expect(page.locator(".rail")).to_be_hidden()
    expect(page.locator(".head")).to_be_hidden()
    expect(page.locator(".card").nth(30)).to_be_visible()
