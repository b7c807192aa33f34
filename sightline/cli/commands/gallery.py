"""``sightline gallery``: the page of the project, in a browser."""

from __future__ import annotations

import sys
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, remark, say
from sightline.cli.state import State
from sightline.extras import library


def gallery(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="The port to listen on; 0 is any free one.", min=0, max=65535)
    ] = 8765,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in this machine's browser.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with a role and a token on each line; mode 600.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A further name under which the page is opened; may be repeated."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Let everyone look, and nobody change anything.")
    ] = False,
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
    from sightline.web.opening import PageOptions, build_page, check_options  # noqa: PLC0415 - an extra
    from sightline.web.serving import bind, serve  # noqa: PLC0415 - an extra

    state: State = context.obj
    state.must_exist()
    settings = state.settings()
    options = PageOptions(
        host=host, port=port, root_path=root_path, token_file=token_file,
        hosts=tuple(allow_host or ()), read_only=read_only,
    )  # fmt: skip
    check_options(options, settings)
    with bind(host, port) as listener:
        page = build_page(
            settings,
            replace(options, port=listener.getsockname()[1]),
            on_next_url=lambda url: remark(f"for another browser: {url}"),
        )

        def started() -> None:
            url = page.url()
            print_json({"url": url}) if as_json else say(f"the page is at {url}")
            sys.stdout.flush()
            if open_browser:
                webbrowser.open(url)

        serve(page.app, listener, started)
