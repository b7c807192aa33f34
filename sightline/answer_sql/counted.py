"""Counts and checks the current answers, for an engine that executes SQL statements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sightline.answer_sql import statements as sql
from sightline.answer_sql.statements import Row, SqlDialect
from sightline.model import Filter
from sightline.ports import (
    MOST_GROUPS,
    AnswerQuality,
    AnswerQuery,
    Coverage,
    Dimension,
    FieldSummary,
    Group,
)
from sightline.tasks import TaskSpec

Statement = Callable[..., str]
"""Builds a statement from the query of the ``rows`` and the condition ``where``."""


class CountedAnswers(ABC):
    """The part of ``Answers`` that is the same for every SQL engine.

    ``dialect`` holds the differences between engines; ``names`` the names of its ledgers and views.
    """

    dialect: SqlDialect
    names: Mapping[str, str]

    @abstractmethod
    async def ask(self, query: AnswerQuery, statement: Statement) -> Sequence[Row]:
        """Return the rows of a statement over the current answers that match the query's filter."""

    @abstractmethod
    async def ask_known(
        self, which: Filter, task: TaskSpec | None, statement: Statement
    ) -> Sequence[Row]:
        """Return the rows of a statement over the observations that match the filter.

        Its ``rows`` are the current answers of the task; without a task there are none.
        """

    async def count(self, query: AnswerQuery) -> int:
        """Count the current answers."""
        ((total,),) = await self.ask(query, sql.COUNT.format)
        return int(total)

    async def counted(
        self, query: AnswerQuery, by: Sequence[Dimension], *, most: int = MOST_GROUPS
    ) -> Sequence[Group]:
        """Count the current answers by one dimension or several, the largest group first."""
        rows = await self.ask(query, partial(sql.counts, self.dialect, by, most=most))
        return sql.groups(by, rows)

    async def fields(self, query: AnswerQuery) -> Sequence[FieldSummary]:
        """Return how each field was answered, in the task's order."""
        task = query.task
        (counted,) = await self.ask(query, partial(sql.summary, self.dialect, task))
        compared: Row = ()
        if sql.compares(task):
            (compared,) = await self.ask(query, partial(sql.disagreement, self.dialect, task))
        return sql.summaries(self.dialect, task, counted, compared)

    async def quality(self, query: AnswerQuery) -> AnswerQuality:
        """Return what to check before relying on the answers."""
        (places,) = await self.ask(query, sql.QUALITY.format)
        (versions,) = await self.ask(
            query, partial(sql.versions, self.dialect, self.names, query.task)
        )
        return sql.quality(places, versions)

    async def coverage(self, which: Filter, task: TaskSpec | None) -> Sequence[Coverage]:
        """Return how many matching observations are known, answered, and dead, one row per type."""
        covered = partial(sql.covered, self.dialect, self.names, task)
        return sql.coverage(await self.ask_known(which, task, covered))
