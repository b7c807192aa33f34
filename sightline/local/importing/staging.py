"""Stages rows for the source folder: removes duplicates, and writes the rest as one file."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sightline.errors import StorageError
from sightline.local.importing.report import RefusalReason, Tally
from sightline.local.warehouse.engine import confine, hide_progress_bar, parquet_select, quoted
from sightline.local.warehouse.locks import lock_waiting
from sightline.local.warehouse.source_files import SOURCE
from sightline.schema import duckdb_columns, parquet_schema
from sightline.whole_files import storage_errors, write_beside

ROW, WHERE = "_row", "_where"
UNSPECIFIED = "ASSET_CLASS_UNSPECIFIED"
STAGED_SCHEMA: Any = pa.schema(
    [
        *(field for field in parquet_schema(SOURCE) if field.name != "imported_at"),
        pa.field(ROW, pa.int64(), nullable=False),
        pa.field(WHERE, pa.string()),
    ]
)
"""The staged columns: those of the source, the row's number, and its name, if any."""

_COMPARED = tuple(column.name for column in SOURCE.columns if column.name != "imported_at")
_LOCK = ".import.lock"
_BATCH_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class StagedRows:
    """The result of a staging, in rows."""

    imported: int
    replaced: int
    unchanged: int
    files: tuple[Path, ...]


class Staging:
    """Collects rows in batches and publishes all or none of them; memory use is constant.

    Rows wait in the system's folder for temporary files. Use it in a ``with`` statement.

    Raises:
        StorageError: a disk is full or read-only, or the source folder contains something else.
    """

    def __init__(self, source: Path) -> None:
        self._source = source

    def __enter__(self) -> Self:
        with storage_errors(Path(tempfile.gettempdir())):
            self._folder = tempfile.TemporaryDirectory(prefix="sightline-import-")
        self._room = Path(self._folder.name)
        self._staged = self._room / "rows"
        with storage_errors(self._staged):
            self._writer = pq.ParquetWriter(self._staged, STAGED_SCHEMA)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with storage_errors(self._staged):
                self._writer.close()
        finally:
            self._folder.cleanup()

    def add(self, rows: pa.Table) -> None:
        """Stage rows of ``STAGED_SCHEMA``."""
        with storage_errors(self._staged):
            self._writer.write_table(rows)

    def publish(self, *, now: datetime, tally: Tally) -> StagedRows:
        """Write new rows as one file into the source folder; duplicates are refused.

        The first of several rows with one ID is kept. A row without an asset type keeps the type of
        an earlier import. Imports that end at the same time take turns.
        """
        with storage_errors(self._staged):
            self._writer.close()
        with (
            lock_waiting(self._source / _LOCK),
            duckdb.connect(":memory:", config=self._limits()) as connection,
        ):
            connection.execute("SET TimeZone = 'UTC'")
            hide_progress_bar(connection)
            confine(connection, (self._room, self._source))
            try:
                self._make_views(connection)
                _refuse_duplicates(connection, tally)
                _count_accepted(connection, tally)
                unchanged, replaced, imported = _count(connection)
                files = (self._write(connection, now),) if imported else ()
            except duckdb.Error as error:
                text = " ".join(str(error).split())[:300]
                raise StorageError(
                    f"{self._source}: {text}; fix or move the file named there, and import again"
                ) from error
        return StagedRows(imported, replaced, unchanged, files)

    def _limits(self) -> dict[str, str | bool | int | float | list[str]]:
        return {
            "threads": "1",
            "memory_limit": "256MB",
            "temp_directory": str(self._room / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }

    def _make_views(self, connection: duckdb.DuckDBPyConnection) -> None:
        # A 64-bit hash represents a row, so that memory does not grow with its texts.
        content = "hash(" + ", ".join(f'"{name}"' for name in _COMPARED) + ")"
        existing = parquet_select(sorted(self._source.glob("*.parquet")), duckdb_columns(SOURCE))
        connection.execute(
            f"""
            CREATE VIEW given AS SELECT * FROM read_parquet({quoted(str(self._staged))});
            CREATE TEMP TABLE types AS
                SELECT observation_id, arg_max(asset_type, imported_at) AS known_type
                FROM ({existing}) SEMI JOIN
                    (SELECT observation_id FROM given WHERE asset_type = '{UNSPECIFIED}')
                    USING (observation_id)
                GROUP BY observation_id;
            CREATE VIEW staged AS
                SELECT given.* REPLACE (CASE asset_type WHEN '{UNSPECIFIED}'
                    THEN coalesce(known_type, asset_type) ELSE asset_type END AS asset_type)
                FROM given LEFT JOIN types USING (observation_id);
            CREATE TEMP TABLE firsts AS
                SELECT observation_id, min({ROW}) AS first_row, count(*) AS times,
                    arg_min({content}, {ROW}) AS content
                FROM staged GROUP BY observation_id;
            CREATE TEMP TABLE known AS
                SELECT observation_id, arg_max({content}, imported_at) AS content
                FROM ({existing}) SEMI JOIN firsts USING (observation_id) GROUP BY observation_id;
            CREATE TEMP TABLE verdicts AS
                SELECT first_row AS row_number, known.content IS NOT NULL AS was_known,
                    coalesce(known.content = firsts.content, false) AS is_same
                FROM firsts LEFT JOIN known USING (observation_id);
            """  # noqa: S608 - column names of ours, and quoted paths
        )

    def _write(self, connection: duckdb.DuckDBPyConnection, now: datetime) -> Path:
        columns = ", ".join(f's."{name}"' for name in _COMPARED)
        rows: Any = connection.sql(
            f"SELECT {columns} FROM staged s JOIN verdicts v ON s.{ROW} = v.row_number"  # noqa: S608 - column names of ours
            " WHERE NOT v.is_same"
        ).to_arrow_reader(_BATCH_ROWS)

        def fill(path: Path) -> None:
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                for batch in rows:
                    at = pa.array([now] * len(batch), schema.field("imported_at").type)
                    table = pa.table([*batch.columns, at], names=schema.names)
                    writer.write_table(table.cast(schema))

        schema = parquet_schema(SOURCE)
        path = self._source / f"{now:%Y%m%dT%H%M%S%f}-{_digest(self._staged)}.parquet"
        write_beside(path, fill)
        return path


def _refuse_duplicates(connection: duckdb.DuckDBPyConnection, tally: Tally) -> None:
    cursor = connection.execute(
        f"""
        SELECT s.{ROW}, s.{WHERE}, f.first_row, o.{WHERE}, s.observation_id
        FROM staged s JOIN firsts f ON s.observation_id = f.observation_id AND f.times > 1
        JOIN staged o ON o.{ROW} = f.first_row
        WHERE s.{ROW} > f.first_row ORDER BY s.{ROW}
        """  # noqa: S608 - column names of ours
    )
    while batch := cursor.fetchmany(1000):
        for row, where, first_row, first_where, observation_id in batch:
            if where is None:
                detail = f"observation_id {observation_id} is in row {first_row} already"
                tally.refuse(f"row {row}", RefusalReason.DUPLICATE, detail)
            else:
                detail = f"the same content as {first_where}"
                tally.refuse(where, RefusalReason.DUPLICATE, detail)


def _count_accepted(connection: duckdb.DuckDBPyConnection, tally: Tally) -> None:
    counts = connection.execute(
        "SELECT asset_type, count(*), count(*) FILTER (latitude IS NULL)"  # noqa: S608 - a column name of ours
        f" FROM given JOIN verdicts ON {ROW} = row_number GROUP BY asset_type"
    ).fetchall()
    for asset_type, count, without_position in counts:
        tally.accept(str(asset_type), int(count), int(without_position))


def _count(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    counts = connection.execute(
        "SELECT count(*) FILTER (is_same), count(*) FILTER (was_known AND NOT is_same),"
        " count(*) FILTER (NOT is_same) FROM verdicts"
    ).fetchall()
    unchanged, replaced, imported = counts[0]
    return int(unchanged), int(replaced), int(imported)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:12]
