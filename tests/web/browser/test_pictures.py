"""A picture that a person has is what is searched for."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import Gallery, NewPage

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.extended,
]


def picture(gallery: Gallery) -> bytes:
    """Return a picture of the project."""
    return max((gallery.home.parent / "scenes").rglob("*.jpg")).read_bytes()


def test_a_chosen_picture_is_what_is_searched_for(new_page: NewPage, gallery: Gallery) -> None:
    page = new_page("/images")

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Search by an image").click()
    chooser.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture(gallery)})

    expect(page).to_have_url(re.compile("image="))
    expect(page.locator(".card-score").first).to_have_text(re.compile(r"^(0\.99\d|1\.000)$"))
    expect(page.locator(".chip")).to_contain_text("Like your image")


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_dropped_or_pasted_picture_is_searched_for(
    new_page: NewPage, gallery: Gallery, event: str
) -> None:
    page = new_page("/images")
    expect(page.locator(".card").first).to_be_visible()

    page.evaluate(
        """([event, text]) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const files = new DataTransfer();
          files.items.add(new File([bytes], "a.jpg", { type: "image/jpeg" }));
          const options = { bubbles: true, cancelable: true };
          document.body.dispatchEvent(event === "drop"
            ? new DragEvent("drop", { ...options, dataTransfer: files })
            : new ClipboardEvent("paste", { ...options, clipboardData: files }));
        }""",
        [event, base64.b64encode(picture(gallery)).decode()],
    )

    expect(page).to_have_url(re.compile("image="))
    expect(page.locator(".card-score").first).to_be_visible()


def test_what_is_no_picture_is_refused_in_words(new_page: NewPage) -> None:
    page = new_page("/images")

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Search by an image").click()
    chooser.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})

    expect(page.locator(".notice.problem")).to_be_visible()
    assert "image=" not in page.url
