"""Checks of this machine: Python, SQLite, the home folder, the task files."""

from __future__ import annotations

import asyncio
import platform
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from sightline.errors import StorageError
from sightline.extras import install_command
from sightline.operations.doctor.finding import CheckStatus, Finding, attempt
from sightline.settings import Settings
from sightline.wiring.tasks import known_tasks

LEAST_FREE_BYTES = 1 << 30
LEAST_PYTHON = (3, 11)
LEAST_SQLITE = (3, 35, 0)


def check_interpreter() -> Sequence[Finding]:
    """Return the findings that need no settings."""
    return (
        _requirement(
            "python",
            sys.version_info >= LEAST_PYTHON,
            platform.python_version(),
            "install Python 3.11 or newer",
        ),
        _requirement(
            "sqlite",
            sqlite3.sqlite_version_info >= LEAST_SQLITE,
            sqlite3.sqlite_version,
            "install a Python whose sqlite3 is 3.35 or newer",
        ),
    )


def _requirement(subject: str, is_met: bool, detail: str, remedy: str) -> Finding:
    """Return a finding that always names its remedy."""
    return Finding(subject, CheckStatus.PASSED if is_met else CheckStatus.FAILED, detail, remedy)


async def check_machine(settings: Settings) -> Sequence[Finding]:
    """Return the findings on the home folder, the tasks and the metrics."""
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
    home = settings.home
    home.mkdir(parents=True, exist_ok=True)
    probe = home / ".doctor"
    probe.write_bytes(b"writable")
    probe.unlink()
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        raise StorageError(f"{home} has {free / 1e9:.1f} GB free; make room")
    return f"{home} can be written, {free / 1e9:,.0f} GB free"


def _tasks(settings: Settings) -> str:
    return ", ".join(sorted(known_tasks(settings)))


def _metrics(settings: Settings) -> Sequence[Finding]:
    """Return whether workers can serve the configured metrics, if any."""
    own = settings.telemetry
    if own.prometheus_port is None and not own.otlp_endpoint:
        return ()
    is_installed = all(find_spec(name) for name in ("opentelemetry.sdk", "prometheus_client"))
    where = own.otlp_endpoint or f"port {own.prometheus_port}"
    return (_requirement("metrics", is_installed, f"to {where}", install_command("telemetry")),)
