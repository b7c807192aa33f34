"""DuckDB over a snapshot of the ledgers: in memory, confined to its folders, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sightline.errors import StorageError
from sightline.local.warehouse.store import Snapshot, Store
from sightline.schema import Ledger, duckdb_columns
from sightline.whole_files import storage_errors

Result = TypeVar("Result")
Connection = duckdb.DuckDBPyConnection

SNAPSHOT_TRIES = 5
"""How many snapshots are taken if files are compacted away meanwhile."""

SPILL = ".spill-"
"""Prefix of a connection's own folder for spilled rows.

Each connection has its own, since DuckDB gives its files the same names in every process.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Bounds of one query; above the memory limit, DuckDB spills below the warehouse's root."""

    threads: int = 2
    memory_limit: str = "1GB"


DEFAULT_OPTIONS = EngineOptions()


class Session:
    """A connection, and the snapshots that its views were made over."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self.store = store
        self.connection = connection
        self.snapshots: dict[str, Snapshot] = {}

    def sql(self, statement: str, parameters: Sequence[object] = ()) -> Connection:
        """Run one statement."""
        return self.connection.execute(statement, list(parameters))

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a query and return all its rows. Times must be selected as ``epoch_us``."""
        rows: list[tuple[Any, ...]] = self.sql(statement, parameters).fetchall()
        return rows

    def number(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Run a query that returns one number."""
        return int(self.rows(statement, parameters)[0][0] or 0)

    def watch(self, ledger: Ledger, files: Sequence[Path]) -> None:
        """Add files to be checked if a query fails."""
        self.snapshots[ledger.name] = Snapshot(ledger, tuple(files))

    def attach(self, ledger: Ledger) -> Snapshot:
        """Take a snapshot of a ledger, and create the view of its rows, with the ledger's name."""
        snapshot = self.store.snapshot(ledger)
        self.snapshots[ledger.name] = snapshot
        self.sql(
            f'CREATE OR REPLACE VIEW "{ledger.name}" AS '
            f"{parquet_select(snapshot.files, duckdb_columns(ledger))}"
        )
        return snapshot


def parquet_select(files: Iterable[Path], columns: str, *, with_filename: bool = False) -> str:
    """Return a SELECT over Parquet files, typed even if there are none.

    ``columns`` are as in CREATE TABLE. ``with_filename`` adds the path of each row's file, as
    ``filename``; it requires at least one file.
    """
    typed = [column.rpartition(" ") for column in columns.split(", ")]
    names = ", ".join(f"{name}::{kind} AS {name}" for name, _, kind in typed)
    listed = ", ".join(quoted(_literal_path(path)) for path in files)
    if listed:
        source = f"read_parquet([{listed}], hive_partitioning = false, filename = {with_filename})"
        names += ", filename" if with_filename else ""
        return f"SELECT {names} FROM {source}"  # noqa: S608 - quoted above
    nothing = ", ".join(f"NULL::{kind} AS {name}" for name, _, kind in typed)
    return f"SELECT {nothing} WHERE false"


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _literal_path(path: Path) -> str:
    """Return a path with its wildcards escaped."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in str(path))


def moment(microseconds: int | None) -> datetime | None:
    """Return the time in a value of ``epoch_us``."""
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def moment_of(microseconds: int) -> datetime:
    """Return the time in a value of ``epoch_us`` of a column that is never null."""
    return _EPOCH + timedelta(microseconds=microseconds)


def open_connection(
    store: Store, options: EngineOptions = DEFAULT_OPTIONS, *, reads: Sequence[Path] = ()
) -> Connection:
    """Return an in-memory connection that installs nothing and prints nothing.

    None of its statements can open files outside the store's folders and ``reads``.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": options.threads,
            "memory_limit": options.memory_limit,
            "temp_directory": str(store.root / f"{SPILL}{store.new_id()}"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    hide_progress_bar(connection)
    confine(connection, (*store.folders(), *reads))
    return connection


def hide_progress_bar(connection: duckdb.DuckDBPyConnection) -> None:
    """Disable DuckDB's own progress bar.

    It is only disabled if it is enabled: in a notebook without ipywidgets, DuckDB refuses even
    that.
    """
    (is_on,) = connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()[0]
    if is_on:
        connection.execute("SET enable_progress_bar = false")


def confine(connection: Connection, folders: Iterable[Path]) -> None:
    """Allow a connection to open files in these folders only, and lock that setting.

    Symbolic links that lead out of a folder are refused (by DuckDB 1.5 and later), but a folder may
    itself be one. Python variables cannot be read as tables either. See
    https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
    """
    paths = {path for folder in folders for path in (folder.absolute(), folder.resolve())}
    # Also as statements write them: DuckDB compares the pattern first, and then each file.
    names = {str(path) for path in paths} | {_literal_path(path) for path in paths}
    listed = ", ".join(quoted(name) for name in sorted(names))
    connection.execute(f"SET allowed_directories = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


class DuckDbEngine:
    """Runs functions over fresh snapshots, each with its own connection.

    ``reads`` are folders that they read in addition to the warehouse.
    """

    def __init__(
        self,
        root: Path,
        options: EngineOptions = DEFAULT_OPTIONS,
        *,
        reads: Sequence[Path] = (),
    ) -> None:
        self.store = Store(root)
        self._options = options
        self._reads = tuple(reads)

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Run ``work`` in a thread; if a file of its snapshot vanished, again over a new snapshot.

        Raises:
            StorageError: a file in a ledger's folder does not belong to the ledger.
        """
        return await asyncio.to_thread(self.read_now, work)

    def read_now(self, work: Callable[[Session], Result]) -> Result:
        """The same as ``read``, in this thread."""
        for _ in range(SNAPSHOT_TRIES):
            with self._session() as session:
                try:
                    return work(session)
                except duckdb.Error as error:
                    if self._vanished(session):
                        continue
                    if fault := explain(session, error):
                        raise fault from error
                    raise
        raise StorageError(
            f"{self.store.root}: its files change faster than they can be read; "
            "stop other compactions and run the command again"
        )

    @contextmanager
    def _session(self) -> Iterator[Session]:
        connection = open_connection(self.store, self._options, reads=self._reads)
        try:
            yield Session(self.store, connection)
        finally:
            connection.close()

    def _vanished(self, session: Session) -> bool:
        files = (path for snapshot in session.snapshots.values() for path in snapshot.files)
        return any(not path.exists() for path in files)


def explain(session: Session, error: duckdb.Error) -> StorageError | None:
    """Return the cause of DuckDB's error, unless it is a defect: first of all, an invalid file."""
    for snapshot in session.snapshots.values():
        for path in snapshot.files:
            fault = file_fault(path, [column.name for column in snapshot.ledger.columns])
            if fault:
                return StorageError(
                    f"{path} is not a file of the ledger {snapshot.ledger.name} ({fault}); "
                    "move it out of the warehouse and run the command again"
                )
    line = str(error).splitlines()[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return StorageError(f"{session.store.root}: {line}; give a larger memory limit")
    if isinstance(error, duckdb.IOException):
        return StorageError(f"{session.store.root}: {line}; fix that, then run the command again")
    return None


def file_fault(path: Path, columns: Iterable[str]) -> str | None:
    """Return why a file is not Parquet with these columns; ``None`` if it is."""
    try:
        with storage_errors(path):
            there = set(pq.read_schema(path).names)
    except (pa.ArrowException, StorageError) as error:
        return str(error).splitlines()[0]
    missing = [name for name in columns if name not in there]
    return f"it lacks the column {missing[0]}" if missing else None
