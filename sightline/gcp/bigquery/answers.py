"""The current answers of a dataset: row by row, counted, and checked.

BigQuery bills the columns that a statement names, of the rows that the clustering by task leaves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

import orjson

from sightline import answer_sql as sql
from sightline.gcp.bigquery.answered import current_answers
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.ledgers import ledger_names
from sightline.gcp.bigquery.literals import quoted
from sightline.gcp.bigquery.selection import condition
from sightline.model import Filter
from sightline.ports import (
    MOST_GROUPS,
    AnswerQuality,
    AnswerQuery,
    AnswerRow,
    Coverage,
    Dimension,
    FieldSummary,
    Group,
)
from sightline.tasks import TaskSpec, stored_task

PAGE_ROWS = 5000

Statement = Callable[..., str]
"""Makes a statement of the query of the ``rows`` that are meant, and the condition ``where``."""

COUNT = "SELECT COUNT(*) FROM ({rows}) AS answered WHERE {where}"

TASKS = "SELECT toml, model, fingerprint FROM {tasks_active} ORDER BY task"

ROWS = """
SELECT subject_id, observation_id, COALESCE(asset_id, ''), COALESCE(snapshot_id, ''),
  COALESCE(asset_type, ''), COALESCE(gcs_uri, ''), latitude, longitude, capture_time,
  TO_JSON_STRING(answer), fingerprint, model, run_id, written_at, part_key
FROM ({rows}) AS answered
WHERE {where}
"""
_ANSWER = 9


class BigQueryAnswers:
    """The current answers of the client's dataset."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client
        self._names = ledger_names(client.place)

    async def tasks(self) -> Sequence[TaskSpec]:
        """Return the active version of each task that was ever asked, by name.

        Raises:
            StorageError: this version of the program reads a task differently.
        """
        rows = await self._client.rows(TASKS.format_map(self._names))
        return [stored_task(toml, model, fingerprint) for toml, model, fingerprint in rows]

    async def count(self, query: AnswerQuery) -> int:
        """Count the current answers."""
        return int((await self._ask(query, COUNT.format))[0][0])

    async def pages(self, query: AnswerQuery) -> AsyncIterator[Sequence[AnswerRow]]:
        """Yield the current answers page by page, in constant memory and in no stated order."""
        statement, values = self._prepared(query, ROWS.format)
        async for page in self._client.pages(statement, page_rows=PAGE_ROWS, **values):
            if page:
                yield [_answer_row(row) for row in page]

    async def counted(
        self, query: AnswerQuery, by: Sequence[Dimension], *, most: int = MOST_GROUPS
    ) -> Sequence[Group]:
        """Count the current answers by one dimension or several, the largest group first."""
        rows = await self._ask(query, partial(sql.counts, WORDS, by, most=most))
        return sql.groups(by, rows)

    async def fields(self, query: AnswerQuery) -> Sequence[FieldSummary]:
        """Return how each field was answered, in the task's order."""
        task = query.task
        (counted,) = await self._ask(query, partial(sql.summary, WORDS, task))
        compared: Sequence[Any] = ()
        if sql.compares(task):
            (compared,) = await self._ask(query, partial(sql.disagreement, WORDS, task))
        return sql.summaries(WORDS, task, counted, compared)

    async def quality(self, query: AnswerQuery) -> AnswerQuality:
        """Return what is to be known about the answers before they are relied on."""
        (places,) = await self._ask(query, sql.QUALITY.format)
        versions_of = partial(
            sql.VERSIONS.format, task="@task", classifications=self._names["classifications"]
        )
        (versions,) = await self._ask(query, versions_of)
        return sql.quality(places, versions)

    async def coverage(self, which: Filter, task: TaskSpec | None) -> Sequence[Coverage]:
        """Return how many observations that pass are known, answered, dead: a row a type."""
        where = condition(which)
        values: dict[str, Any] = dict(where.values)
        by_asset = task is not None and task.multi_observation
        if task is None:
            answered, dead = sql.NOBODY.format_map(self._names), sql.DEAD.format_map(self._names)
        else:
            answered = f"SELECT subject_id FROM ({self._current()}) AS answered"  # noqa: S608 - ours
            dead = sql.DEAD_OF_TASK.format_map({**self._names, "marker": "@marker"})
            values |= {"task": task.name, "marker": sql.marker(task)}
        statement = sql.COVERAGE.format_map(
            {
                **self._names,
                "subject": "asset_id" if by_asset else "observation_id",
                "answered": answered,
                "dead": dead,
                "where": where.sql,
            }
        )
        return sql.coverage(await self._client.rows(statement, **values))

    async def _ask(self, query: AnswerQuery, statement: Statement) -> list[tuple[Any, ...]]:
        """Return the rows of a statement over the current answers."""
        filled, values = self._prepared(query, statement)
        return await self._client.rows(filled, **values)

    def _prepared(self, query: AnswerQuery, statement: Statement) -> tuple[str, dict[str, Any]]:
        """Return a statement, and the values bound to it."""
        where = condition(query.filter)
        filled = statement(rows=self._current(), where=f"({where.sql})")
        return filled, {**where.values, "task": query.task.name}

    def _current(self) -> str:
        return current_answers(self._client.place, "task = @task")


class _Words:
    """GoogleSQL's words for what the statements need."""

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
        # An emulator loses the rows of an empty array in a LEFT JOIN.
        own = f"ARRAY(SELECT DISTINCT one FROM UNNEST({self._list(name)}) AS one)"  # noqa: S608 - ours
        some = f"IF({self.length(name)} > 0, {own}, [CAST(NULL AS STRING)])"
        return f"CROSS JOIN UNNEST({some}) AS {alias}"

    def whole(self, number: str, step: float) -> str:
        return f"SAFE_CAST(FLOOR({number} / {float(step)!r}) AS INT64)"

    def literal(self, text: str) -> str:
        return quoted(text)

    def _list(self, name: str) -> str:
        return f"JSON_VALUE_ARRAY(answer, '$.{name}')"


WORDS = _Words()


def _answer_row(row: tuple[Any, ...]) -> AnswerRow:
    values: list[Any] = [*row]
    values[_ANSWER] = orjson.loads(values[_ANSWER])
    return AnswerRow(*values)
