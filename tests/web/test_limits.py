"""What is expensive is limited for each visitor; looking is not."""

from __future__ import annotations

import pytest

from sightline.web.access.limits import MOST_VISITORS, RateLimit
from sightline.web.access.roles import PageRole
from sightline.web.errors import RequestRefusedError
from sightline.web.routes import images
from tests.web.page import Page


def test_a_visitor_has_a_burst_and_then_a_rate() -> None:
    now_s = 0.0
    limit = RateLimit(0.5, 3, now_s=lambda: now_s)
    for _ in range(3):
        limit.take("a")
    with pytest.raises(RequestRefusedError, match="too many requests; wait a few seconds"):
        limit.take("a")
    limit.take("b")
    now_s = 2.0
    limit.take("a")
    with pytest.raises(RequestRefusedError):
        limit.take("a")


def test_visitors_are_forgotten_so_that_memory_is_bounded() -> None:
    limit = RateLimit(0.0, 1, now_s=lambda: 0.0)
    for number in range(MOST_VISITORS + 1):
        limit.take(str(number))
    limit.take("0")
    with pytest.raises(RequestRefusedError):
        limit.take(str(MOST_VISITORS))


def test_searches_are_limited_and_pages_are_not(
    scenes_page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "SEARCHES", RateLimit(0.0, 2, now_s=lambda: 0.0))
    roles = (PageRole.VIEWER, PageRole.OWNER)  # of different tokens
    browser, other = (scenes_page.browser(role) for role in roles)
    search = "/api/images?q=a+stop+sign&size=1"
    assert [browser.get(search).status_code for _ in range(2)] == [200, 200]
    refused = browser.get(search)
    assert refused.status_code == 429
    assert refused.json()["error"] == "too many requests; wait a few seconds, and try again"
    assert browser.get("/api/images?size=1").status_code == 200
    assert other.get(search).status_code == 200
