"""The application in this process, with browsers that have signed in as each role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from sightline.settings import load_settings
from sightline.web.access.door import Door
from sightline.web.access.guard import Rules
from sightline.web.access.headers import security_headers
from sightline.web.access.roles import PageRole
from sightline.web.access.sessions import Grant
from sightline.web.app import create_app
from sightline.web.project import open_project
from sightline.web.routes.pictures import BODY_BYTES

TOKENS = {role: f"{role.title}-{'t' * 24}" for role in PageRole}
GRANTS = [Grant(role, token) for role, token in TOKENS.items()]
HOST = "http://127.0.0.1"


@dataclass(frozen=True)
class Page:
    """A running application; ``client`` is the one that runs it."""

    app: FastAPI
    client: TestClient

    def browser(self, role: PageRole | None, *, writes: bool = True) -> TestClient:
        """Return a browser with a session of this role; ``writes`` as the page's own code does."""
        browser = TestClient(self.app, HOST, follow_redirects=False)
        browser.portal = self.client.portal
        browser.headers["sec-fetch-site"] = "same-origin"
        if role is not None:
            response = browser.post("/sign-in", content=f"token={TOKENS[role]}")
            assert response.status_code == 303, response.text
            if writes:
                browser.headers["x-csrf-token"] = browser.get("/api/me").json()["csrf"]
        return browser


@contextmanager
def opened(
    home: Path, settings: Mapping[str, Any] | None = None, *, root_path: str = ""
) -> Iterator[Page]:
    """Yield the page of a home."""
    loaded = load_settings(environment={}, overrides={"home": home, **(settings or {})})
    door = Door(
        process=Grant(PageRole.OWNER, "p" * 32), tokens=lambda: GRANTS, now_s=lambda: 1_000_000.0
    )
    rules = Rules(headers=security_headers(), root_path=root_path, most_body_bytes=BODY_BYTES)
    app = create_app(lambda: open_project(loaded), door, rules)
    with TestClient(app, HOST, raise_server_exceptions=False) as client:
        yield Page(app, client)
