"""The page is usable by people who cannot see it well, in each of its forms."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.browser.conftest import PHONE, WIDE, NewPage

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]


def serious(page: Page) -> list[str]:
    """Return axe's serious and critical findings."""
    findings = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {node['html'][:200]}"
        for finding in findings
        if finding["impact"] in {"serious", "critical"}
        for node in finding["nodes"]
    ]


def test_axe_has_no_serious_finding_in_light_colours(new_page: NewPage) -> None:
    page = new_page("/images?q=a+stop+sign", color_scheme="light")
    expect(page.locator(".card-picture.loaded").first).to_be_visible()
    assert serious(page) == []

    page.locator(".card").first.click()
    expect(page.locator(".lightbox .answer").first).to_be_visible()
    assert serious(page) == []


@pytest.mark.extended
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
@pytest.mark.parametrize("view", ["images", "map", "run"])
def test_axe_has_no_serious_finding_in_any_form(
    new_page: NewPage, view: str, size: tuple[int, int], scheme: str
) -> None:
    page = new_page(f"/{view}", size=size, color_scheme=scheme)
    expect(page.locator(".tile" if view == "run" else ".card").first).to_be_visible()
    assert serious(page) == []

    page.keyboard.press("/")
    expect(page.locator(".palette")).to_be_visible()
    assert serious(page) == []
