"""The current answers of the local warehouse: row by row, counted, and checked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from sightline.answer_sql import CountedAnswers, Row, Statement
from sightline.errors import StorageError
from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    DuckDbEngine,
    EngineOptions,
    Session,
    explain,
    open_connection,
    quoted,
)
from sightline.local.warehouse.selection import allow_polygon, condition
from sightline.local.warehouse.views import active_tasks, attach, attach_embeddings, current_among
from sightline.model import Filter
from sightline.ports import AnswerQuery, AnswerRow
from sightline.schema import CLASSIFICATIONS, DEAD_LETTERS, OBSERVATIONS, TASK_VERSIONS
from sightline.tasks import TaskSpec

PAGE_ROWS = 5000

NAMES = {
    name: name
    for name in (
        "classifications", "dead_letters_current", "embeddings_rows", "observations_current"
    )
}  # fmt: skip
"""Views have the names of the schema here."""

ROWS = """
SELECT subject_id, observation_id, coalesce(asset_id, '') AS asset_id,
  coalesce(snapshot_id, '') AS snapshot_id, coalesce(asset_type, '') AS asset_type,
  coalesce(gcs_uri, '') AS gcs_uri, latitude, longitude, capture_time, answer, fingerprint, model,
  run_id, written_at, part_key
FROM ({rows}) AS answered
WHERE {where}
ORDER BY subject_id
"""


class _DuckDbDialect:
    """DuckDB's dialect for the statements."""

    month = "strftime(capture_time AT TIME ZONE 'UTC', '%Y-%m')"

    def text(self, name: str) -> str:
        return f"json_extract_string(answer, '$.{name}')"

    def number(self, name: str) -> str:
        return f"TRY_CAST({self.text(name)} AS DOUBLE)"

    def length(self, name: str) -> str:
        return f"len({self._list(name)})"

    def holds(self, name: str, value: str) -> str:
        return f"list_contains({self._list(name)}, {quoted(value)})"

    def members(self, name: str, alias: str) -> str:
        own = f"list_distinct({self._list(name)})"
        some = f"CASE WHEN len({own}) > 0 THEN {own} ELSE [NULL::VARCHAR] END"
        return f"CROSS JOIN LATERAL (SELECT unnest({some}) AS {alias}) AS of_{alias}"

    def whole(self, number: str, step: float) -> str:
        return f"TRY_CAST(floor({number} / {step!r}::DOUBLE) AS BIGINT)"

    def literal(self, text: str) -> str:
        return quoted(text)

    def _list(self, name: str) -> str:
        return f"TRY_CAST(json_extract(answer, '$.{name}') AS VARCHAR[])"


class LocalAnswers(CountedAnswers):
    """The current answers below ``root``."""

    dialect = _DuckDbDialect()
    names = NAMES

    def __init__(self, root: Path, *, options: EngineOptions = DEFAULT_OPTIONS) -> None:
        self._engine = DuckDbEngine(root, options)
        self._options = options

    async def tasks(self) -> Sequence[TaskSpec]:
        """Return the active version of every task that was ever enqueued, by name."""

        def work(session: Session) -> list[TaskSpec]:
            attach(session, TASK_VERSIONS)
            return active_tasks(session)

        return await self._engine.read(work)

    async def pages(self, query: AnswerQuery) -> AsyncIterator[Sequence[AnswerRow]]:
        """Yield the current answers page by page, by subject, from the warehouse as it was at the
        start.

        Answers that exceed the engine's memory limit are sorted on disk.

        Raises:
            StorageError: a file of the warehouse cannot be read, or has vanished.
        """
        session = Session(self._engine.store, open_connection(self._engine.store, self._options))
        try:
            reader = await asyncio.to_thread(
                self._in_session, session, lambda: _open(session, query)
            )
            while page := await asyncio.to_thread(self._in_session, session, lambda: _next(reader)):
                yield page
        finally:
            session.connection.close()

    def _in_session(self, session: Session, work: Any) -> Any:
        try:
            return work()
        except duckdb.Error as error:
            files = [path for snapshot in session.snapshots.values() for path in snapshot.files]
            if not all(path.exists() for path in files):
                raise StorageError(
                    f"{session.store.root}: its files were compacted away while they were read;"
                    " run the command again"
                ) from error
            if fault := explain(session, error):
                raise fault from error
            raise

    async def ask(self, query: AnswerQuery, statement: Statement) -> Sequence[Row]:
        """Return the rows of a statement over the current answers."""

        def work(session: Session) -> list[tuple[Any, ...]]:
            return session.rows(*_prepared(session, query, statement))

        return await self._engine.read(work)

    async def ask_known(
        self, which: Filter, task: TaskSpec | None, statement: Statement
    ) -> Sequence[Row]:
        """Return the rows of a statement over the observations that pass."""

        def work(session: Session) -> list[tuple[Any, ...]]:
            attach(session, CLASSIFICATIONS, TASK_VERSIONS, OBSERVATIONS, DEAD_LETTERS)
            attach_embeddings(session)
            allow_polygon(session, which)
            where = condition(which)
            rows = "" if task is None else _current(task)
            return session.rows(statement(rows=rows, where=where.sql), where.parameters)

        return await self._engine.read(work)


def _current(task: TaskSpec) -> str:
    rows = f"SELECT * FROM classifications WHERE task = {quoted(task.name)}"  # noqa: S608 - quoted
    return current_among(rows)


def _prepared(
    session: Session, query: AnswerQuery, statement: Statement
) -> tuple[str, tuple[object, ...]]:
    """Attach the ledgers of a statement; return it with its parameters."""
    attach(session, CLASSIFICATIONS, TASK_VERSIONS)
    allow_polygon(session, query.filter)
    where = condition(query.filter)
    return statement(rows=_current(query.task), where=f"({where.sql})"), where.parameters


def _open(session: Session, query: AnswerQuery) -> pa.RecordBatchReader:
    statement, parameters = _prepared(session, query, ROWS.format)
    answers = session.connection.sql(statement, params=list(parameters))
    return answers.to_arrow_reader(PAGE_ROWS)


def _next(reader: pa.RecordBatchReader) -> list[AnswerRow]:
    """Return the next rows; none at the end."""
    try:
        batch = reader.read_next_batch()
    except StopIteration:
        return []
    return [
        AnswerRow(**{**row, "answer": orjson.loads(row["answer"])}) for row in batch.to_pylist()
    ]
