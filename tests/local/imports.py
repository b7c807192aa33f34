"""What the import tests share: a moment, and a look into the source folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sightline.local.importing import ImportReport

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def rows_in(source: Path) -> list[dict[str, Any]]:
    """All rows in the source folder, the earliest import first."""
    return [
        row for path in sorted(source.glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def reasons(report: ImportReport) -> list[tuple[str, str]]:
    return [(refusal.where, refusal.reason.value) for refusal in report.refusals]
