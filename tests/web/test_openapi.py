"""The page by its own description: whatever is sent, no request causes an internal error."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from sightline.settings import Settings
from sightline.web.access.door import Door
from sightline.web.access.guard import Rules
from sightline.web.access.roles import PageRole
from sightline.web.access.sessions import Grant
from sightline.web.app import create_app
from sightline.web.project import open_project
from tests.web.page import HOST, TOKENS, Page

STREAM = "/api/run/events"
_APP = create_app(
    lambda: open_project(Settings()),
    Door(process=Grant(PageRole.OWNER, "p" * 32), now_s=lambda: 0.0),
    Rules(),
)
DESCRIBED = schemathesis.openapi.from_dict(_APP.openapi())
OPERATIONS = [
    (path, method)
    for path, methods in _APP.openapi()["paths"].items()
    for method in methods
    if path != STREAM
]
EXPECTED = frozenset({*range(200, 500), 503, 507})


def fuzz(page: Page, path: str, method: str, examples: int) -> None:
    """Send requests that the description allows, and some that it does not."""
    browser = TestClient(page.app, HOST, follow_redirects=False)
    browser.portal = page.client.portal
    browser.headers["authorization"] = f"Bearer {TOKENS[PageRole.OWNER]}"

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        case = data.draw(DESCRIBED[path][method].as_strategy())
        request = case.as_transport_kwargs(base_url=HOST)
        response = browser.request(
            request["method"],
            request["url"],
            params=request.get("params"),
            json=request.get("json"),
            content=request.get("data") if isinstance(request.get("data"), bytes) else None,
        )
        assert response.status_code in EXPECTED, response.text
        if response.status_code >= 400:
            assert set(response.json()) == {"error"}
            assert "Traceback" not in response.text

    send()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_causes_an_internal_error(scenes_page: Page, path: str, method: str) -> None:
    fuzz(scenes_page, path, method, 3)


@pytest.mark.extended
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_many_requests_cause_no_internal_error(scenes_page: Page, path: str, method: str) -> None:
    fuzz(scenes_page, path, method, 150)
