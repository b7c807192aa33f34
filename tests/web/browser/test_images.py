"""A person finds images: by words, by facets, by an image; and comes back to them by a link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.conftest import NewPage
from tests.web.browser.gallery_process import GONE, SCENES

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]


def cards(page: Page) -> list[str]:
    """Return the ids of the images in sight, once there are some."""
    expect(page.locator(".card").first).to_be_visible()
    return [str(card.get_attribute("data-id")) for card in page.locator(".card").all()]


def count(page: Page, number: int) -> None:
    """Wait until the page counts so many images."""
    expect(page.locator(".count")).to_have_text(re.compile(rf"^{number} images?$"))


def test_the_first_page_shows_pictures_with_answers(new_page: NewPage) -> None:
    page = new_page("/images")

    count(page, SCENES)
    expect(page.locator(".card-picture.loaded").first).to_be_visible()
    expect(page.locator(".card", has_text="Road sign").first).to_contain_text("·")


def test_a_search_by_words_ranks_and_back_and_forward_repeat_it(new_page: NewPage) -> None:
    page = new_page("/images")
    unranked = cards(page)

    page.get_by_role("searchbox", name="Search for images by words").fill("a stop sign")
    page.keyboard.press("Enter")

    expect(page.locator(".card-score").first).to_be_visible()
    assert page.url.endswith("/images?q=a+stop+sign")
    expect(page.locator(".chip")).to_contain_text("a stop sign")
    ranked = cards(page)
    assert ranked != unranked
    page.go_back()
    expect(page.locator(".card-score")).to_have_count(0)
    assert cards(page) == unranked
    page.go_forward()
    expect(page.locator(".card-score").first).to_be_visible()
    assert cards(page) == ranked


def test_a_facet_narrows_the_images_and_its_chip_takes_it_away(new_page: NewPage) -> None:
    page = new_page("/images")
    count(page, SCENES)

    row = page.locator(".facet-value", has_text="Road sign").first
    signs = int(row.locator(".facet-count").inner_text())
    row.click()

    count(page, signs)
    assert 0 < signs < SCENES
    assert "f.asset_type=ASSET_CLASS_ROAD_SIGN" in page.url
    others = page.locator(".card").filter(has_not_text="Road sign")
    expect(others).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Remove .*Road sign")).click()
    count(page, SCENES)


def test_a_link_shows_the_same_in_another_browser(new_page: NewPage) -> None:
    page = new_page("/images?f.asset_type=ASSET_CLASS_UTILITY_POLE&sort=oldest")
    shown = cards(page)
    page.locator(".card", has_text="·").nth(1).click()
    expect(page.locator(".lightbox .answer").first).to_be_visible()

    other = new_page(page.url.split("/", 3)[3].join(("/", "")))

    expect(other.locator(".lightbox .answer").first).to_be_visible()
    assert (
        other.locator(".lightbox-facts").inner_text()
        == page.locator(".lightbox-facts").inner_text()
    )
    other.keyboard.press("Escape")
    expect(other.locator(".lightbox")).to_be_hidden()
    assert cards(other) == shown


def test_the_keyboard_alone_reaches_and_leaves_an_image(new_page: NewPage) -> None:
    page = new_page("/images")
    cards(page)

    page.locator(".card[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    focused = page.locator(".card:focus")
    chosen = focused.get_attribute("data-id")
    page.keyboard.press("Enter")

    expect(page.locator(".lightbox .stage-picture")).to_be_visible()
    assert f"open={chosen}" in page.url
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(re.compile(f"open={chosen}"))
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"open={chosen}"))
    page.keyboard.press("Escape")
    expect(page.locator(".lightbox")).to_be_hidden()
    expect(page.locator(f".card[data-id='{chosen}']")).to_be_focused()
    page.go_back()
    assert "open=" not in page.url


def test_an_open_image_shows_its_answer_with_its_origin(new_page: NewPage) -> None:
    page = new_page("/images?f.answered=road_signs")
    page.locator(".card", has_text="·").first.click()

    answer = page.locator(".lightbox .answer").first
    expect(answer).to_contain_text("Sign type")
    answer.locator("summary").click()
    for label in ("Model", "Prompt version", "Cost", "Latency", "Run"):
        expect(answer.locator(".origin dt", has_text=re.compile(f"^{label}$"))).to_be_visible()
    expect(page.locator(".stage-box")).to_be_visible()
    page.get_by_role("link", name="More like this").click()
    expect(page.locator(".card-score").first).to_be_visible()
    assert "like=" in page.url


def test_an_image_that_is_gone_says_why_and_can_be_replayed(new_page: NewPage) -> None:
    page = new_page("/images?f.dead=image_gone")
    count(page, GONE)

    expect(page.locator(".card-dead").first).to_have_text("Image gone")
    expect(page.locator(".card .sightline-problem").first).to_be_visible()
    page.locator(".card").first.click()

    expect(page.locator(".dead-letter").first).to_contain_text("nothing exists at the URI")
    expect(page.get_by_role("button", name="Replay").first).to_be_enabled()
