"""Puts a rendered collection where the engine reads observations."""

from __future__ import annotations

from pathlib import Path

from sightline.local.importing import import_table
from sightline.settings import Settings
from sightline.wiring import source_path, utc_now

TABLE = "observations.csv"


async def stage(settings: Settings, collection: Path) -> None:
    """Import the collection's table; its images stay where they are."""
    import_table(
        collection / TABLE,
        source=source_path(settings),
        now=utc_now(),
        columns={},
        base=None,
        on_progress=None,
    )
