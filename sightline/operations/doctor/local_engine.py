"""Checks of the local adapters: the queue and the warehouse in the home folder."""

from __future__ import annotations

from collections.abc import Sequence

from sightline.operations.doctor.finding import Finding, attempt
from sightline.settings import Settings
from sightline.wiring.engine import open_engine


async def check_engine(settings: Settings) -> Sequence[Finding]:
    """Return the finding on queue and warehouse, opened together."""

    async def look() -> str:
        async with open_engine(settings) as engine:
            backlog = await engine.backlog.backlog()
            runs = await engine.runs.runs()
            return f"{len(runs)} runs, {backlog.ready} messages ready, {backlog.leased} leased"

    remedy = "read the message; `sightline --debug doctor` shows more"
    return (await attempt("engine", look, remedy),)
