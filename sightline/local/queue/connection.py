"""An SQLite connection with its own thread, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from sightline.errors import ConfigurationError, StorageError
from sightline.local.queue import statements as sql
from sightline.local.queue.failures import translated

BUSY_TIMEOUT_S = 30.0
CHECKPOINT_PAGES = 4_000
"""A commit that leaves more pages than this (16 MB) in the WAL moves them into the file."""
WAL_LIMIT_BYTES = 64_000_000
"""Above this number of pages, a commit waits briefly for all readers, to empty the WAL."""
OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables; RETURNING and UPDATE FROM are older."""

_CHECKPOINT_WAIT_MS = 200
_OPEN_RETRY_S = 0.02

Result = TypeVar("Result")


class Connection:
    """A connection whose jobs run in order, in one thread.

    If a caller is cancelled while its job waits, the job is removed; a started job is finished.
    """

    def __init__(self, path: Path, executor: ThreadPoolExecutor) -> None:
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._wal_limit_bytes = WAL_LIMIT_BYTES
        self._executor = executor
        self._sqlite: sqlite3.Connection | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, name: str) -> AsyncIterator[Connection]:
        """Open the queue's file; create it if there is none.

        Raises:
            ConfigurationError, StorageError, TransientError: see ``failures.translated``.
        """
        executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        connection = cls(path, executor)
        try:
            await asyncio.wrap_future(executor.submit(connection._open))
            yield connection
        finally:
            closed = executor.submit(connection._close)
            executor.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(closed))

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a job in the thread, outside any transaction, and await it."""
        return await asyncio.wrap_future(self._executor.submit(self._do, work))

    async def write(self, work: Callable[[sqlite3.Connection], Result], *, durable: bool) -> Result:
        """Run a job in the thread, in a transaction with the write lock.

        A ``durable`` job is on disk on return; other jobs survive the death of every process, and
        are on disk with the next durable job at the latest (sqlite.org/pragma.html,
        ``synchronous``).
        """
        return await asyncio.wrap_future(self.submit_write(work, durable=durable))

    def submit_write(
        self, work: Callable[[sqlite3.Connection], Result], *, durable: bool
    ) -> Future[Result]:
        """Append such a job to the thread's list without awaiting it."""
        return self._executor.submit(self._do, lambda sqlite: self._write(sqlite, work, durable))

    def _do(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        assert self._sqlite is not None
        with translated(self._path):
            return work(self._sqlite)

    def _write(
        self,
        sqlite: sqlite3.Connection,
        work: Callable[[sqlite3.Connection], Result],
        durable: bool,
    ) -> Result:
        sqlite.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        with transaction(sqlite):
            result = work(sqlite)
        self._bound_wal(sqlite)
        return result

    def _bound_wal(self, sqlite: sqlite3.Connection) -> None:
        # Passive checkpoints never empty the WAL while other writers keep appending.
        try:
            size = self._wal.stat().st_size
        except FileNotFoundError:
            return
        if size <= self._wal_limit_bytes:
            return
        sqlite.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_WAIT_MS}")
        with contextlib.suppress(sqlite3.OperationalError):  # tried again as the WAL grows
            sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        sqlite.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
        left = self._wal.stat().st_size if self._wal.exists() else 0
        self._wal_limit_bytes = left + WAL_LIMIT_BYTES

    def _open(self) -> None:
        self._sqlite = open_sqlite(self._path)

    def _close(self) -> None:
        if self._sqlite is not None:
            self._sqlite.close()


@contextmanager
def transaction(sqlite: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock from the first statement on; commit, or roll back everything."""
    sqlite.execute("BEGIN IMMEDIATE")
    try:
        yield
        sqlite.execute("COMMIT")
    except BaseException:
        if sqlite.in_transaction:
            sqlite.execute("ROLLBACK")
        raise


def open_sqlite(path: Path) -> sqlite3.Connection:
    """Open the queue's file, and create its tables if it is new; the connection stays in one
    thread.

    Raises:
        ConfigurationError, StorageError, TransientError: see ``failures.translated``.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigurationError(
            f"SQLite {sqlite3.sqlite_version} is older than 3.37; use a newer build of Python"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"queue {path}: its folder cannot be made ({error.strerror}); name another folder"
        ) from error
    with translated(path):
        sqlite = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            _prepare(sqlite, path)
        except BaseException:
            sqlite.close()
            raise
    return sqlite


def _prepare(sqlite: sqlite3.Connection, path: Path) -> None:
    with _one_moment(sqlite):
        laid_out = _is_laid_out(sqlite, path)  # read first: another program's file is not changed
    sqlite.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only counts before the file is made
    _enter_wal_mode(sqlite)
    sqlite.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    sqlite.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    sqlite.execute("PRAGMA temp_store = MEMORY")
    if not laid_out:
        with transaction(sqlite):
            if not _is_laid_out(sqlite, path):  # another process may have been first
                for statement in sql.CREATE_TABLES:
                    sqlite.execute(statement)
    sqlite.execute(sql.CREATE_MARKS)
    sqlite.execute(sql.CREATE_SENDERS)
    sqlite.execute(sql.CREATE_BELIEFS)


@contextmanager
def _one_moment(sqlite: sqlite3.Connection) -> Iterator[None]:
    """Read the file's state in one transaction: another process may be creating its tables."""
    sqlite.execute("BEGIN")
    try:
        yield
    finally:
        sqlite.execute("COMMIT")


def _enter_wal_mode(sqlite: sqlite3.Connection) -> None:
    # SQLite's busy handler does not cover the change into WAL mode: two first openers may clash.
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            sqlite.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL}
            if not busy or time.monotonic() > give_up_at:
                raise
            time.sleep(_OPEN_RETRY_S)
        else:
            return


def _is_laid_out(sqlite: sqlite3.Connection, path: Path) -> bool:
    (application_id,) = sqlite.execute("PRAGMA application_id").fetchone()
    (version,) = sqlite.execute("PRAGMA user_version").fetchone()
    (tables,) = sqlite.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application_id == sql.APPLICATION_ID and version == sql.SCHEMA_VERSION:
        return True
    if application_id == sql.APPLICATION_ID:
        raise ConfigurationError(
            f"queue {path} has layout {version}, this program reads {sql.SCHEMA_VERSION};"
            " use the version of Sightline that made it"
        )
    if tables:
        raise ConfigurationError(f"queue {path} is another program's database; name another file")
    return False
