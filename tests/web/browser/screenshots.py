"""Takes the screenshots of docs/images/gallery from a gallery of rendered scenes.

.venv/bin/python -m tests.web.browser.screenshots
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.web.browser.conftest import PHONE, WIDE, Gallery, chromium, signed_in
from tests.web.browser.gallery_process import (
    rendered_images,
    rendered_project,
    run,
    served,
    working,
)

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images" / "gallery"
SCENES = 240
IN_A_RUN = 900
SLOWLY = {"SIGHTLINE_CLASSIFY_LIMIT__RATE_PER_S": "24", "SIGHTLINE_EMBED_LIMIT__RATE_PER_S": "24"}
"""So that the run still works when its picture is taken."""
MEASURED_MS = 25_000
SEARCH = "/images?q=a+faded+sign&f.asset_type=ASSET_CLASS_ROAD_SIGN"


def main() -> None:
    """Render two projects, one of which works meanwhile, and take each screenshot."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = chromium(playwright)
        home = rendered_project(Path(folder, "done"), scenes=SCENES, gone=3)
        with served(home) as url:
            gallery = signed_in(browser, home, url)
            for name, take in SHOTS.items():
                take(Shot(browser, gallery, name))
        home = rendered_images(Path(folder, "working"), scenes=IN_A_RUN, gone=3)
        run(home, "enqueue")
        with served(home) as url, working(home, SLOWLY):
            shot = Shot(browser, signed_in(browser, home, url), "run")
            shot.of("/run", measured)
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
        page.screenshot(path=IMAGES / f"{self._name}.jpg", type="jpeg", quality=85)
        context.close()


def pictures(page: Page) -> None:
    """Wait for the pictures of the grid."""
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator(".card-picture:not(.loaded, :has(.sightline-problem))")).to_have_count(0)


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
    """Wait for enough measurements of a run's throughput."""
    expect(page.locator(".chart-canvas canvas")).to_be_visible()
    page.wait_for_timeout(MEASURED_MS)


SHOTS: Mapping[str, Callable[[Shot], None]] = {
    "images": lambda shot: shot.of("/images", pictures),
    "search": lambda shot: shot.of(SEARCH, pictures),
    "image": lambda shot: shot.of("/images?f.answered=road_signs", opened),
    "map": lambda shot: shot.of("/map", placed),
    "dark": lambda shot: shot.of(SEARCH, pictures, dark=True),
    "phone": lambda shot: shot.of(SEARCH, pictures, size=PHONE),
}


if __name__ == "__main__":
    main()
