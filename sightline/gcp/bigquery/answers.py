"""Reads the current answers of a dataset: row by row, counted, and checked.

BigQuery bills the columns that a statement names, for the rows that clustering by task leaves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from sightline.answer_sql import CountedAnswers, Row, Statement
from sightline.gcp.bigquery.answered import current_answers
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.ledgers import ledger_names
from sightline.gcp.bigquery.literals import quoted
from sightline.gcp.bigquery.selection import condition
from sightline.model import Filter
from sightline.ports import AnswerQuery, AnswerRow
from sightline.tasks import TaskSpec, stored_task

PAGE_ROWS = 5000

TASKS = "SELECT toml, model, fingerprint FROM {tasks_active} ORDER BY task"

ROWS = """
SELECT subject_id, observation_id, COALESCE(asset_id, ''), COALESCE(snapshot_id, ''),
  COALESCE(asset_type, ''), COALESCE(gcs_uri, ''), latitude, longitude, capture_time,
  TO_JSON_STRING(answer), fingerprint, model, run_id, written_at, part_key
FROM ({rows}) AS answered
WHERE {where}
"""
_ANSWER = 9


class _GoogleSqlDialect:
    """The GoogleSQL expressions that the statements need."""

    month = "FORMAT_TIMESTAMP('%Y-%m', capture_time, 'UTC')"

    def text(self, name: str) -> str:
        return f"JSON_VALUE(answer, '$.{name}')"

    def number(self, name: str) -> str:
        return f"SAFE_CAST({self.text(name)} AS FLOAT64)"

    def length(self, name: str) -> str:
        return f"ARRAY_LENGTH({self._list(name)})"

    def holds(self, name: str, value: str) -> str:
        return f"{quoted(value)} IN UNNEST({self._list(name)})"

    def members(self, name: str, alias: str) -> str:
        # An emulator drops the rows of an empty array in a LEFT JOIN.
        own = f"ARRAY(SELECT DISTINCT item FROM UNNEST({self._list(name)}) AS item)"  # noqa: S608 - ours
        some = f"IF({self.length(name)} > 0, {own}, [CAST(NULL AS STRING)])"
        return f"CROSS JOIN UNNEST({some}) AS {alias}"

    def whole(self, number: str, step: float) -> str:
        return f"SAFE_CAST(FLOOR({number} / {float(step)!r}) AS INT64)"

    def literal(self, text: str) -> str:
        return quoted(text)

    def _list(self, name: str) -> str:
        return f"JSON_VALUE_ARRAY(answer, '$.{name}')"


class BigQueryAnswers(CountedAnswers):
    """The current answers of the client's dataset."""

    dialect = _GoogleSqlDialect()

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client
        self.names = ledger_names(client.place)

    async def tasks(self) -> Sequence[TaskSpec]:
        """Return the active version of each recorded task, by name.

        Raises:
            StorageError: this version reads a stored task differently.
        """
        rows = await self._client.rows(TASKS.format_map(self.names))
        return [stored_task(toml, model, fingerprint) for toml, model, fingerprint in rows]

    async def pages(self, query: AnswerQuery) -> AsyncIterator[Sequence[AnswerRow]]:
        """Yield the current answers page by page, in constant memory and in no particular order."""
        statement, values = self._prepared(query, ROWS.format)
        async for page in self._client.pages(statement, page_rows=PAGE_ROWS, **values):
            if page:
                yield [_answer_row(row) for row in page]

    async def ask(self, query: AnswerQuery, statement: Statement) -> Sequence[Row]:
        """Return the rows of a statement over the current answers."""
        filled, values = self._prepared(query, statement)
        return await self._client.rows(filled, **values)

    async def ask_known(
        self, which: Filter, task: TaskSpec | None, statement: Statement
    ) -> Sequence[Row]:
        """Return the rows of a statement over the observations that pass a filter."""
        where = condition(which)
        values: dict[str, Any] = dict(where.values)
        rows = ""
        if task is not None:
            rows = self._current()
            values["task"] = task.name
        return await self._client.rows(statement(rows=rows, where=where.sql), **values)

    def _prepared(self, query: AnswerQuery, statement: Statement) -> tuple[str, dict[str, Any]]:
        """Return a statement, and the values of its parameters."""
        where = condition(query.filter)
        filled = statement(rows=self._current(), where=f"({where.sql})")
        return filled, {**where.values, "task": query.task.name}

    def _current(self) -> str:
        return current_answers(self._client.place, "task = @task")


def _answer_row(row: tuple[Any, ...]) -> AnswerRow:
    values: list[Any] = [*row]
    values[_ANSWER] = orjson.loads(values[_ANSWER])
    return AnswerRow(*values)
