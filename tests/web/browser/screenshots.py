"""Takes the screenshots of docs/images/gallery from a gallery of rendered scenes.

.venv/bin/python -m tests.web.browser.screenshots
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.web.browser.conftest import PHONE, WIDE, Gallery, chromium, signed_in
from tests.web.browser.gallery_process import rendered_project, served

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images" / "gallery"
SCENES = 240
SEARCH = "/images?q=a+faded+sign&f.asset_type=ASSET_CLASS_ROAD_SIGN"


def main() -> None:
    """Render a project, serve it, and take each screenshot."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = rendered_project(Path(folder), scenes=SCENES, gone=3)
        browser = chromium(playwright)
        with served(home) as url:
            gallery = signed_in(browser, home, url)
            for name, take in SHOTS.items():
                take(Shot(browser, gallery, name))
        browser.close()


class Shot:
    """One screenshot to be taken."""

    def __init__(self, browser: Browser, gallery: Gallery, name: str) -> None:
        self._browser, self._gallery, self._name = browser, gallery, name

    def of(
        self,
        path: str,
        ready: Callable[[Page], object],
        *,
        size: tuple[int, int] = WIDE,
        dark: bool = False,
    ) -> None:
        """Open an address, wait until the page is ready, and keep the picture."""
        context = self._browser.new_context(
            storage_state=self._gallery.session,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
        )
        page = context.new_page()
        page.goto(f"{self._gallery.base}{path}")
        ready(page)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / f"{self._name}.jpg", type="jpeg", quality=85)
        context.close()


def pictures(page: Page) -> None:
    """Wait for the first pictures of the grid."""
    expect(page.locator(".card-picture.loaded").nth(3)).to_be_visible()


def opened(page: Page) -> None:
    """Open the second image, with the origin of its answer."""
    pictures(page)
    page.locator(".card").nth(1).click()
    page.locator(".origin summary").first.click()
    expect(page.locator(".strip img").first).to_be_visible()
    expect(page.locator(".stage-picture")).to_be_visible()


def placed(page: Page) -> None:
    """Wait for the points of the map, and zoom to a part of them."""
    pictures(page)
    expect(page.locator(".map-area[data-points]")).to_be_visible()
    everything = page.locator(".map-note").inner_text()
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator(".map-note")).not_to_have_text(everything)
    page.locator(".card").nth(1).hover()


def measured(page: Page) -> None:
    """Wait for the runs."""
    expect(page.locator(".run").first).to_be_visible()


SHOTS: Mapping[str, Callable[[Shot], None]] = {
    "images": lambda shot: shot.of("/images", pictures),
    "search": lambda shot: shot.of(SEARCH, pictures),
    "image": lambda shot: shot.of("/images?f.answered=road_signs", opened),
    "map": lambda shot: shot.of("/map", placed),
    "dark": lambda shot: shot.of(SEARCH, pictures, dark=True),
    "phone": lambda shot: shot.of(SEARCH, pictures, size=PHONE),
    "run": lambda shot: shot.of("/run", measured),
}


if __name__ == "__main__":
    main()
