"""Assets that were seen again, written by hand into either warehouse."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson

from sightline.ports import ClassificationRow
from tests.cli import filled
from tests.cli.answered import SIGNS
from tests.contracts.answers_suite import item
from tests.contracts.warehouse_rig import NOW, answer_part, answer_row
from tests.gcp.servers import BigQueryEmulator

OLDEST, OLD, NEW = "2026-03", "2026-04", "2026-05"
AT = "2026-04-20"
SAME, CHANGED, KNOWN, VANISHED, APPEARED = (
    "sign-same", "sign-changed", "sign-known", "sign-vanished", "sign-appeared"
)  # fmt: skip
DAYS = {OLDEST: 60, OLD: 30, NEW: 0}

SEEN = (
    (OLDEST, SAME, "stop"),
    (OLD, SAME, "stop"),
    (NEW, SAME, "stop"),
    (OLD, CHANGED, "stop"),
    (NEW, CHANGED, "yield"),
    (OLD, KNOWN, "unknown"),
    (NEW, KNOWN, "yield"),
    (OLD, VANISHED, "stop"),
    (NEW, APPEARED, "yield"),
)
"""Snapshot, asset, and what was answered."""


def rows() -> list[ClassificationRow]:
    """Return what both warehouses hold."""
    part = answer_part(SIGNS)
    return [
        answer_row(
            item(
                number,
                asset_id=asset,
                snapshot_id=snapshot,
                capture_time=NOW - timedelta(days=DAYS[snapshot]),
            ),
            part,
            answer=orjson.dumps(
                {"kind": kind, "tilted": None, "count": None, "height": None,
                 "note": f"note {number}", "damage": []}
            ).decode(),
        )
        for number, (snapshot, asset, kind) in enumerate(SEEN)
    ]  # fmt: skip


async def fill_folder(root: Path) -> None:
    """Make a warehouse in a folder with these answers."""
    await filled.fill_folder(root, SIGNS, rows())


async def fill_dataset(emulator: BigQueryEmulator, dataset: str) -> None:
    """Make a dataset with these answers."""
    await filled.fill_dataset(emulator, dataset, SIGNS, rows())
