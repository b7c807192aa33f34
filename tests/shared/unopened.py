"""Observations whose images nobody will open, as a table to import."""

from __future__ import annotations

import csv
from pathlib import Path

COLUMNS = (
    "observation_id", "asset_id", "snapshot_id", "asset_type", "latitude", "longitude",
    "capture_time", "gcs_uri",
)  # fmt: skip


def write_unopened(table: Path, count: int, *, bucket: str) -> None:
    """Write so many observations, two an asset."""
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for n in range(count):
            rows.writerow([f"o{n:06}", f"a{n // 2:06}", "s1", "ASSET_CLASS_ROAD_SIGN",
                           52.0 + n * 1e-5, 5.1, "2026-05-01T08:00:00Z",
                           f"gs://{bucket}/s1/v0/o{n:06}.jpg"])  # fmt: skip
