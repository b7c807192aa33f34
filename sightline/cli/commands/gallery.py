"""``sightline gallery``: the page of the project, in a browser."""

from __future__ import annotations

import secrets
import time
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, remark, say
from sightline.cli.state import State
from sightline.extras import library
from sightline.web.access.door import Door, OneTimeLink
from sightline.web.access.roles import PageRole
from sightline.web.access.sessions import Grant


def gallery(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="The port to listen on; 0 is any free one.", min=0, max=65535)
    ] = 8765,
    root_path: Annotated[
        str, typer.Option(help="The path prefix under which a proxy serves the page.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Serve a page of the project's images, map and runs; until Ctrl-C.

    Example: sightline gallery --port 8000
    """
    library("fastapi", "web")
    library("uvicorn", "web")
    from sightline.web.access.guard import Rules  # noqa: PLC0415 - an extra
    from sightline.web.access.headers import security_headers  # noqa: PLC0415 - an extra
    from sightline.web.app import create_app  # noqa: PLC0415 - an extra
    from sightline.web.project import open_project  # noqa: PLC0415 - an extra
    from sightline.web.routes.pages import sign_in_url  # noqa: PLC0415 - an extra
    from sightline.web.serving import bind, serve  # noqa: PLC0415 - an extra

    state: State = context.obj
    state.must_exist()
    settings = state.settings()
    listener = bind(host, port)
    base = f"http://{host}:{listener.getsockname()[1]}{root_path}"
    link = OneTimeLink(
        lambda: secrets.token_urlsafe(24),
        lambda token: remark(f"for another browser: {sign_in_url(base, token)}"),
    )
    door = Door(
        process=Grant(PageRole.OWNER, secrets.token_urlsafe(32)),
        link=link,
        now_s=time.time,
        cookie=f"sightline-{listener.getsockname()[1]}",
    )
    app = create_app(
        lambda: open_project(settings),
        door,
        Rules(headers=security_headers(), root_path=root_path),
    )

    def started() -> None:
        url = sign_in_url(base, link.token)
        print_json({"url": url}) if as_json else say(f"the page is at {url}")

    serve(app, listener, started)
