"""Browses the local warehouse by its image table, which is rebuilt in the background."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sightline.errors import StorageError
from sightline.gallery_sql import BrowsedImages, Row, Statement
from sightline.local.warehouse.answers import NAMES
from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    Connection,
    DuckDbEngine,
    EngineOptions,
    Session,
    quoted,
)
from sightline.local.warehouse.gallery_files import OpenTable, current, last_built, signature
from sightline.local.warehouse.selection import DuckDbCondition, condition
from sightline.local.warehouse.views import attach, attach_embeddings
from sightline.model import Filter
from sightline.ports import GalleryState
from sightline.schema import CLASSIFICATIONS, DEAD_LETTERS, TASK_VERSIONS

LOOK_EVERY_S = 1.0
"""How often the ledgers' files are listed, in seconds."""

REST = 4.0
"""How many times as long as a build takes no other one begins: at most a fifth of the time."""

PATIENCE_S = 0.3
"""How long a request waits for a build before it is served by the previous table, in seconds."""


class _DuckDbDialect:
    """DuckDB's dialect for the statements."""

    def literal(self, text: str) -> str:
        # A statement ends at a NUL.
        return " || chr(0) || ".join(map(quoted, text.split("\0")))

    def holds(self, column: str, value: str) -> str:
        return f"list_contains({column}, {self.literal(value)})"

    def is_empty(self, column: str) -> str:
        return f"{column} IS NULL"

    def members(self, column: str, alias: str) -> str:
        return (
            f"CROSS JOIN LATERAL (SELECT unnest(coalesce({column}, [NULL])) AS {alias})"
            f" AS of_{alias}"
        )

    def microseconds(self, column: str) -> str:
        return f"epoch_us({column})"


class LocalGallery(BrowsedImages[OpenTable]):
    """The images below ``root``, by an image table in ``folder``.

    After a write, the previous table is served until the next one is built; ``patience_s`` is how
    long a request waits for that.
    """

    dialect = _DuckDbDialect()
    answer_json = "answered.answer"

    def __init__(
        self,
        root: Path,
        folder: Path,
        *,
        options: EngineOptions = DEFAULT_OPTIONS,
        patience_s: float = PATIENCE_S,
        look_every_s: float = LOOK_EVERY_S,
        rest: float = REST,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder.absolute()
        self._engine = DuckDbEngine(root, options, reads=(self._folder,))
        self._patience_s, self._look_every_s, self._rest = patience_s, look_every_s, rest
        self._now, self._clock = now, clock
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="gallery")
        self._lock = threading.Lock()
        self._served: OpenTable | None = None
        self._is_behind = False
        self._fault = ""
        self._look_again_at = self._build_again_at = float("-inf")
        self._building: Future[OpenTable] | None = None

    async def state(self) -> GalleryState:
        """Return which time the images are shown as of."""
        served = await self.table()
        return GalleryState(served.built_at, self._is_behind, self._fault)

    async def table(self) -> OpenTable:
        """Return the table that is served now, after building it if there is none.

        Raises:
            StorageError: there is none, and it cannot be built.
        """
        served, building = await asyncio.to_thread(self._look)
        if building is None:
            assert served is not None
            return served
        finished = asyncio.wrap_future(building)
        if served is None:
            return await asyncio.shield(finished)
        with suppress(TimeoutError, StorageError):  # state() has the error
            return await asyncio.wait_for(asyncio.shield(finished), self._patience_s)
        return served

    async def ask(self, table: OpenTable, which: Filter, statement: Statement) -> Sequence[Row]:
        """Return the rows of a statement over the image table."""
        return await asyncio.to_thread(_ask, table, which, statement)

    async def ask_ledgers(
        self, statements: Sequence[Callable[[Mapping[str, str]], str]]
    ) -> Sequence[Sequence[Row]]:
        """Return the rows of some statements over the ledgers."""

        def work(session: Session) -> list[list[tuple[Any, ...]]]:
            attach(session, CLASSIFICATIONS, TASK_VERSIONS, DEAD_LETTERS)
            attach_embeddings(session)
            names = {**NAMES, "tasks_active": "tasks_active"}
            return [session.rows(statement(names)) for statement in statements]

        return await self._engine.read(work)

    def _look(self) -> tuple[OpenTable | None, Future[OpenTable] | None]:
        """Return the table that is served, and a build that a request should wait for."""
        with self._lock:
            now = self._clock()
            if self._served is not None and (self._building or now < self._look_again_at):
                return self._served, None
            if self._building:
                return None, self._building
            self._look_again_at = now + self._look_every_s
            wanted = signature(self._engine.store)
            if self._served is None:
                self._served = last_built(self._folder)
            self._is_behind = self._served is None or self._served.signature != wanted
            if not self._is_behind or (self._served and now < self._build_again_at):
                return self._served, None
            self._building = self._builder.submit(self._build, wanted)
            return self._served, self._building

    def _build(self, wanted: str) -> OpenTable:
        """Build a table and serve it; then rest, so that a run keeps most of the processor."""
        began, fault = self._clock(), ""
        try:
            table = current(self._engine, self._folder, wanted, now=self._now)
        except StorageError as error:
            fault = str(error)
            raise
        else:
            self._served, self._is_behind = table, False
            return table
        finally:
            ended = self._clock()
            with self._lock:
                self._fault, self._building = fault, None
                self._build_again_at = ended + self._rest * (ended - began)


def _ask(table: OpenTable, which: Filter, statement: Statement) -> list[tuple[Any, ...]]:
    connection = table.connection.cursor()
    try:
        where = _condition(table, connection, which)
        rows: list[tuple[Any, ...]] = connection.execute(
            statement(where=f"({where.sql})"), where.parameters
        ).fetchall()
    except duckdb.Error as error:
        line = str(error).splitlines()[0]
        raise StorageError(f"the image table cannot be read ({line}); reload the page") from error
    finally:
        connection.close()
    return rows


def _condition(table: OpenTable, connection: Connection, which: Filter) -> DuckDbCondition:
    """Return the condition of a filter with numbered parameters, so that it may be repeated."""
    where = condition(replace(which, polygon_wkt=None))
    sql = where.sql
    for number in range(1, len(where.parameters) + 1):
        sql = sql.replace("?", f"${number}", 1)
    if which.polygon_wkt is not None:
        rows = table.rows_in(which.polygon_wkt)
        connection.register("rows_inside", pa.table({"row": rows}))
        sql = f'({sql}) AND images.rowid IN (SELECT "row" FROM rows_inside)'  # noqa: S608 - ours
    return DuckDbCondition(sql, where.parameters)
