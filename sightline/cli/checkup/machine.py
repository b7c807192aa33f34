"""Checks of this machine: Python, SQLite, the home folder, the task files."""

from __future__ import annotations

import asyncio
import platform
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from sightline.cli.checkup.finding import Finding, attempt
from sightline.settings import Settings

LEAST_FREE_BYTES = 1 << 30
LEAST_SQLITE = (3, 35, 0)


def check_interpreter() -> Sequence[Finding]:
    """Return the findings that need no settings."""
    return (
        Finding(
            "python",
            sys.version_info >= (3, 11),
            platform.python_version(),
            "install Python 3.11 or newer",
        ),
        Finding(
            "sqlite",
            sqlite3.sqlite_version_info >= LEAST_SQLITE,
            sqlite3.sqlite_version,
            "install a Python whose sqlite3 is 3.35 or newer",
        ),
    )


async def check_machine(settings: Settings) -> Sequence[Finding]:
    """Return the findings on the home folder and the tasks."""
    return (
        await attempt(
            "home",
            lambda: asyncio.to_thread(_home, settings),
            "give --home a folder that can be written, with 1 GiB free",
        ),
        await attempt(
            "tasks", lambda: asyncio.to_thread(_tasks, settings), "`sightline tasks check FILE`"
        ),
        *_metrics(settings),
    )


def _home(settings: Settings) -> str:
    from sightline.errors import StorageError

    home = settings.home
    home.mkdir(parents=True, exist_ok=True)
    probe = home / ".doctor"
    probe.write_bytes(b"writable")
    probe.unlink()
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        raise StorageError(f"{home} has {free / 1e9:.1f} GB free; make room")
    return f"{home} can be written, {free / 1e9:,.0f} GB free"


def _metrics(settings: Settings) -> Sequence[Finding]:
    """Return whether workers can serve the metrics that are asked of them, if any are."""
    own = settings.telemetry
    if own.prometheus_port is None and not own.otlp_endpoint:
        return ()
    there = all(find_spec(one) for one in ("opentelemetry.sdk", "prometheus_client"))
    where = own.otlp_endpoint or f"port {own.prometheus_port}"
    return (Finding("metrics", there, f"to {where}", "pip install 'sightline[telemetry]'"),)


def _tasks(settings: Settings) -> str:
    from sightline.wiring import known_tasks

    return ", ".join(sorted(known_tasks(settings)))
