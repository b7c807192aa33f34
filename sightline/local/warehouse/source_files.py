"""The files in the source's folder: the columns that an importer writes, and the view over them."""

from __future__ import annotations

from pathlib import Path

from sightline.errors import StorageError
from sightline.local.warehouse.engine import Session, file_fault, parquet_select
from sightline.local.warehouse.store import relative_files
from sightline.schema import OBSERVATIONS, Column, Ledger, duckdb_columns
from sightline.whole_files import storage_errors

SOURCE = Ledger(
    "source",
    "The imported row, as it was read from the source",
    (
        *(column for column in OBSERVATIONS.columns if column.name not in {"run_id", "written_at"}),
        Column("imported_at", "TIMESTAMP", "When the row was imported", required=True),
    ),
    key=("observation_id",),
)
"""The columns of a file in the source folder; of several rows of an id, the latest counts."""

LATEST_OF_SOURCE = """
CREATE OR REPLACE VIEW source_latest AS
SELECT * FROM source
QUALIFY row_number() OVER (
  PARTITION BY observation_id ORDER BY imported_at DESC, snapshot_id DESC, gcs_uri) = 1
"""


def attach_source(session: Session, folder: Path) -> None:
    """Create the view ``source``.

    Raises:
        StorageError: a file cannot be read, or contains no observations.
    """
    with storage_errors(folder):
        files = [folder / name for name in sorted(relative_files(folder))]
    for path in files:
        fault = file_fault(path, SOURCE.column_names())
        if fault:
            raise StorageError(
                f"{path} contains no observations ({fault}); move it away, or import it with "
                "`sightline import`"
            )
    session.sql(f"CREATE VIEW source AS {parquet_select(files, duckdb_columns(SOURCE))}")
