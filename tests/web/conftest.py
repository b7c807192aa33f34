"""The page over a worked-off collection, in this process: every request passes the guard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sightline.web.access.roles import PageRole
from tests.cli.conftest import rendered
from tests.cli.photographs import scenes_folder
from tests.web.page import Page, opened

__all__ = ["rendered", "scenes_folder"]


@pytest.fixture(scope="session")
def scenes_page(scenes_folder: Path) -> Iterator[Page]:
    """Yield the page of rendered scenes, which no test changes."""
    with opened(scenes_folder / ".sightline") as page:
        yield page


@pytest.fixture
def owner(scenes_page: Page) -> TestClient:
    """Return the browser of an owner of that page."""
    return scenes_page.browser(PageRole.OWNER)


@pytest.fixture
def viewer(scenes_page: Page) -> TestClient:
    """Return the browser of a viewer of that page."""
    return scenes_page.browser(PageRole.VIEWER)


@pytest.fixture
def stranger(scenes_page: Page) -> TestClient:
    """Return the browser of somebody without a session."""
    return scenes_page.browser(None)
