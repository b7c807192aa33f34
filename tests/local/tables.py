"""What the tests of imported tables share: a folder with a table in it."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sightline.local.importing import ImportReport, TableOptions, import_table
from tests.local.imports import NOW, rows_in

HEADER = "observation_id,asset_type,gcs_uri"
TABLE_OPTIONS = {field.name for field in fields(TableOptions)}
ROW = "a,ASSET_CLASS_ROAD_SIGN,gs://bucket/s/v0/a.jpg"


class Folder:
    """A folder with a table in it, and the source folder beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "home" / "source"

    def load(self, content: str | bytes, name: str = "table.csv", **options: Any) -> ImportReport:
        file = self.root / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.load_file(file, **options)

    def load_file(self, file: Path, *, now: datetime = NOW, **options: Any) -> ImportReport:
        """Import a table; what ``TableOptions`` has may be given by its name."""
        table_options = {name: options.pop(name) for name in TABLE_OPTIONS & options.keys()}
        return import_table(
            file, source=self.source, now=now, options=TableOptions(**table_options), **options
        )

    def load_columns(self, columns: dict[str, Any], **options: Any) -> ImportReport:
        """Import a Parquet file of these columns, beside those that every table needs."""
        count = len(next(iter(columns.values())))
        table = pa.table({**needed(count), **columns})
        pq.write_table(table, self.root / "table.parquet")
        return self.load_file(self.root / "table.parquet", **options)

    def rows(self) -> list[dict[str, Any]]:
        return rows_in(self.source)

    def positions(self) -> list[tuple[float | None, float | None]]:
        """Latitudes and longitudes, in the order of the rows' ids."""
        rows = sorted(self.rows(), key=lambda row: row["observation_id"])
        return [(row["latitude"], row["longitude"]) for row in rows]

    def places(self) -> list[tuple[float, float]]:
        """The same of a table in which every row has a position."""
        return [(latitude, longitude) for latitude, longitude in self.positions()
                if latitude is not None and longitude is not None]  # fmt: skip


def needed(count: int) -> dict[str, list[str]]:
    """The columns that every table needs, of so many rows."""
    names = [f"{number:06}" for number in range(1, count + 1)]
    return {
        "observation_id": names,
        "asset_type": ["ASSET_CLASS_ROAD_SIGN"] * count,
        "gcs_uri": [f"gs://bucket/{name}.jpg" for name in names],
    }


def csv_of(header: str, *cells: str) -> str:
    """A CSV of these columns, beside those that every table needs; ``;`` stands between cells."""
    rows = zip(*needed(len(cells)).values(), cells, strict=True)
    lines = [";".join(row) for row in rows]
    return "\n".join([HEADER.replace(",", ";") + ";" + header, *lines]) + "\n"
