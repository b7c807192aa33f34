"""The gallery of rendered scenes in Chromium; a page that reports an error fails its test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    StorageState,
    expect,
    sync_playwright,
)

from tests.web.browser.gallery_process import rendered_project, served

SOFTWARE_WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox")
"""Chromium without a graphics card, and in containers, where its own sandbox cannot start."""
WIDE, PHONE = (1440, 900), (390, 844)
PATIENCE_MS = 120_000
"""How long what must happen may take, many times what it takes on a busy machine."""
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True, slots=True)
class Gallery:
    """A served gallery: its home, its address, and the cookies of somebody signed in."""

    home: Path
    base: str
    session: StorageState


NewPage = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start Chromium; mark such tests ``needs("chromium")``."""
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


def chromium(playwright: Playwright) -> Browser:
    """Start the system's Chromium."""
    program = shutil.which("chromium")
    return playwright.chromium.launch(executable_path=program, args=list(SOFTWARE_WEBGL))


def signed_in(browser: Browser, home: Path, url: str) -> Gallery:
    """Sign in by an address that works once."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    session = context.storage_state()
    base = page.url.rsplit("/", 1)[0]
    context.close()
    return Gallery(home, base, session)


@pytest.fixture(scope="package")
def gallery(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """Serve a project of rendered scenes, which tests may look at but not change."""
    home = rendered_project(tmp_path_factory.mktemp("gallery"))
    with served(home) as url:
        yield signed_in(browser, home, url)


@pytest.fixture
def new_page(browser: Browser, gallery: Gallery) -> Iterator[NewPage]:
    """Return a function that opens an address of the gallery in a browser of its own.

    The test fails if a page writes an error or a warning to its console.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def opened(
        path: str, *, size: tuple[int, int] = WIDE, of: Gallery = gallery, **more: object
    ) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(storage_state=of.session, viewport=viewport, **more)  # type: ignore[arg-type]  # options of Playwright
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda message: _keep(problems, message.type, message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{of.base}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not problems


def _keep(problems: list[str], kind: str, text: str) -> None:
    is_explained = "Failed to load resource" in text  # the page shows the reason instead
    if kind in {"error", "warning"} and not is_explained and "GPU stall" not in text:
        problems.append(text)
