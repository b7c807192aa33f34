"""The same page over a dataset of BigQuery, on the emulator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, expect

from sightline.gcp.bigquery import BigQueryGallery
from tests.contracts.bigquery_rig import open_rig
from tests.contracts.gallery_suite import COUNT, GalleryRig
from tests.gcp.servers import BigQueryEmulator
from tests.web.browser.conftest import NewPage, signed_in
from tests.web.browser.gallery_process import served

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.needs("go"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.extended,
]
NOBODY = "127.0.0.1:9"
"""Where nobody listens: the discard port."""


def test_a_dataset_is_browsed_as_a_folder_is(
    new_page: NewPage, browser: Browser, bigquery_with_ledgers: BigQueryEmulator, tmp_path: Path
) -> None:
    home = tmp_path / ".sightline"
    home.mkdir()
    with (
        start_blocking_portal() as portal,  # Playwright's event loop runs in this thread
        portal.wrap_async_context_manager(open_rig(bigquery_with_ledgers)) as opened,
    ):
        portal.call(GalleryRig(opened.warehouse, BigQueryGallery(opened.client)).fill)
        place = opened.client.place
        settings = {
            "SIGHTLINE_ENGINE": "gcp",
            "SIGHTLINE_GCP__PROJECT": place.project,
            "SIGHTLINE_BIGQUERY__DATASET": place.dataset,
            "SIGHTLINE_BIGQUERY__SOURCE": f"{place.project}.{place.dataset}.latest_observations",
            "SIGHTLINE_BIGQUERY__ENDPOINT": str(place.endpoint),
            "SIGHTLINE_BIGQUERY__STORAGE_ENDPOINT": str(place.storage_endpoint),
            "SIGHTLINE_PUBSUB__ENDPOINT": NOBODY,
            "SIGHTLINE_GCS__ENDPOINT": f"http://{NOBODY}",
            "SIGHTLINE_VERTEX__ENDPOINT": f"http://{NOBODY}",
        }
        with served(home, settings=settings) as url:
            page = new_page("/images", of=signed_in(browser, home, url))
            expect(page.locator(".count")).to_have_text(f"{COUNT} images")
            page.locator(".facet-value", has_text=re.compile("^stop")).click()
            expect(page.locator(".count")).to_have_text("4 images")
            page.locator(".card", has_text="stop").first.click()
            expect(page.locator(".lightbox .answer").first).to_contain_text("stop")
            page.keyboard.press("Escape")
            page.go_back()
            page.goto("about:blank")
