"""Strange answers and broken images change nothing but their own cards."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from sightline.local.warehouse import LocalAnswers
from sightline.model import Observation
from tests.cli.answered import SIGNS
from tests.contracts.answers_suite import AnswersRig, answer
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import EMBEDDING, answer_part, answer_row, asking, observation
from tests.web.browser.conftest import Gallery, NewPage, signed_in
from tests.web.browser.gallery_process import rendered_images, run, served

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.extended,
]

NOTES = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
    "x" * 10_000,
    "\u05e9\u05dc\u05d5\u05dd \u202egpj.exe",
    "zero\u200b\u200bwidth\u2060",
    "{{7*7}} ${7*7} %s \\u0000 '; drop table observations; --",
    "\n\n\n",
)
BROKEN = 3
"""The last images: one gone, one cut short, one that would be 900 megapixels."""


def files(folder: Path) -> list[str]:
    """Write pictures, of which the last ones are broken; return their URIs."""
    whole = io.BytesIO()
    Image.new("RGB", (320, 240), "seagreen").save(whole, "JPEG")
    huge = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(huge, "PNG")
    contents = [*[whole.getvalue()] * len(NOTES), None, whole.getvalue()[:200], huge.getvalue()]
    paths = [folder / f"image-{number}.jpg" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        if content is not None:
            path.write_bytes(content)
    return [path.as_uri() for path in paths]


async def fill(home: Path, images: list[Observation]) -> None:
    """Write the images, and strange answers about the first of them."""
    warehouse = local_rig(home)
    rig = AnswersRig(warehouse, LocalAnswers(home / "warehouse"))
    await warehouse.load(images)
    await rig.ask(SIGNS)
    await warehouse.open(asking(answer_part(SIGNS), EMBEDDING), "run-1")
    items = sorted(await warehouse.items("run-1"), key=lambda item: item.subject_id)
    rows = [
        answer_row(item, answer_part(SIGNS), answer=answer(kind="stop", note=note, damage=[note]))
        for item, note in zip(items, NOTES, strict=False)
    ]
    await warehouse.writer.write(rows)


@pytest.fixture(scope="module")
def strange(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """Serve a project of strange answers and broken images."""
    folder = tmp_path_factory.mktemp("strange")
    images = [observation(n, gcs_uri=uri) for n, uri in enumerate(files(folder))]
    with ThreadPoolExecutor(1) as thread:  # Playwright's event loop runs in this one
        thread.submit(asyncio.run, fill(folder / ".sightline", images)).result()
    roots = {"SIGHTLINE_IMAGES__ROOTS": orjson.dumps([str(folder)]).decode()}
    with served(folder / ".sightline", settings=roots) as url:
        yield signed_in(browser, folder / ".sightline", url)


def settled(page: Page) -> None:
    """Wait until each card has a picture, or the reason why not."""
    expect(page.locator(".card")).to_have_count(len(NOTES) + BROKEN)
    shown = page.locator(".card-picture.loaded, .sightline-problem")
    expect(shown).to_have_count(len(NOTES) + BROKEN)


def test_markup_in_answers_is_shown_as_text(new_page: NewPage, strange: Gallery) -> None:
    page = new_page("/images?sort=newest", of=strange)
    settled(page)

    page.locator(".card").first.click()
    expect(page.locator(".lightbox .answer")).to_contain_text("<script>document.title='owned'")
    assert page.title() == "Images · Sightline"
    assert page.locator("#app script, #app img[src='x'], .lightbox img[src='x']").count() == 0


def test_long_answers_do_not_widen_the_page(new_page: NewPage, strange: Gallery) -> None:
    page = new_page("/images", of=strange)
    settled(page)

    heights = {round(card.bounding_box()["height"]) for card in page.locator(".card").all()}  # type: ignore[index]  # it is visible
    assert len(heights) == 1
    page.locator(".card").nth(1).click()
    expect(page.locator(".long summary").first).to_be_visible()
    width = page.evaluate("document.querySelector('.lightbox-panel').scrollWidth")
    assert width <= page.evaluate("document.querySelector('.lightbox-panel').clientWidth")


def test_pictures_that_cannot_be_shown_say_why(new_page: NewPage, strange: Gallery) -> None:
    page = new_page("/images", of=strange)
    settled(page)

    problems = page.locator(".sightline-problem").all_inner_texts()
    assert len(problems) == BROKEN
    assert all(len(problem) > 10 for problem in problems)
    assert not any(str(strange.home.parent) in problem for problem in problems)


def test_a_project_without_a_run_fills_while_a_worker_works(
    new_page: NewPage, browser: Browser, tmp_path: Path
) -> None:
    home = rendered_images(tmp_path, scenes=6)
    with served(home) as url:
        page = new_page("/images", of=signed_in(browser, home, url))
        expect(page.locator(".grid-message")).to_contain_text("No images yet")

        run(home, "enqueue")
        page.reload()
        expect(page.locator(".card", has_text="No answer yet")).to_have_count(6)
        run(home, "work", "--drain")
        page.reload()
        expect(page.locator(".card", has_text="·")).to_have_count(6)
        page.goto("about:blank")
