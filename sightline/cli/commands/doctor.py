"""``sightline doctor``: checks what the job needs, and says how to mend what is missing."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, say
from sightline.cli.state import State

EXIT_UNWELL = 1
LEAST_FREE_BYTES = 1 << 30
LEAST_SQLITE = (3, 35, 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked; ``mend`` is the one thing to do where it failed."""

    what: str
    ok: bool
    detail: str
    mend: str = ""


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check Python, disk, settings, tasks, queue, warehouse and model."""
    state: State = context.obj
    findings = list(_examine(state))
    if as_json:
        print_json([asdict(one) for one in findings])
    else:
        for one in findings:
            say(f"{'ok  ' if one.ok else 'FAIL'} {one.what}: {one.detail}")
            if not one.ok:
                say(f"     mend: {one.mend}")
    if not all(one.ok for one in findings):
        raise typer.Exit(EXIT_UNWELL)


def _examine(state: State) -> Iterator[Finding]:
    from sightline.errors import SightlineError

    yield Finding(
        "python",
        sys.version_info >= (3, 11),
        platform.python_version(),
        "install Python 3.11 or newer",
    )
    yield Finding(
        "sqlite",
        sqlite3.sqlite_version_info >= LEAST_SQLITE,
        sqlite3.sqlite_version,
        "install a Python whose sqlite3 is 3.35 or newer",
    )
    try:
        settings = state.settings()
    except SightlineError as error:
        yield Finding(
            "settings", False, str(error), "mend the settings file, or unset the variable"
        )
        return
    yield Finding("settings", True, f"engine {settings.engine}, home {settings.home}")
    checks: tuple[tuple[str, Callable[[Any], str], str], ...] = (
        ("home", _home, "give --home a folder that can be written, with 1 GiB free"),
        ("tasks", _tasks, "`sightline tasks check FILE`"),
        ("engine", _engine, "look at the message; `sightline --debug doctor` says more"),
        ("model", _model, "install Sightline again, or set models.classify and models.embed"),
    )
    for what, check, mend in checks:
        try:
            yield Finding(what, True, check(settings))
        except (SightlineError, OSError) as error:
            yield Finding(what, False, " ".join(str(error).split()), mend)


def _home(settings: Any) -> str:
    from sightline.errors import StorageError

    home: Path = settings.home
    home.mkdir(parents=True, exist_ok=True)
    probe = home / ".doctor"
    probe.write_bytes(b"writable")
    probe.unlink()
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        raise StorageError(f"{home} has {free / 1e9:.1f} GB free; make room")
    return f"{home} can be written, {free / 1e9:,.0f} GB free"


def _tasks(settings: Any) -> str:
    from sightline.wiring import known_tasks

    return ", ".join(sorted(known_tasks(settings)))


def _engine(settings: Any) -> str:
    import asyncio

    from sightline.wiring import open_engine

    async def look() -> str:
        async with open_engine(settings) as engine:
            backlog = await engine.backlog.backlog()
            runs = await engine.runs.runs()
            return f"{len(runs)} runs, {backlog.ready} messages ready, {backlog.leased} leased"

    return asyncio.run(look())


def _model(settings: Any) -> str:
    import asyncio

    from sightline.wiring import open_models

    async def look() -> str:
        async with open_models(settings) as models:
            found = await models.embed.embed_text("a stop sign")
            return f"{models.classify.model}; {models.embed.model}, {len(found.vector)} dimensions"

    return asyncio.run(look())
