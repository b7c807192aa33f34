"""What every row passes on its way into a ledger: no registered secret is ever stored.

A model's service may give back the key it was asked with, in an answer or in an error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sightline.ports import (
    ClassificationRow,
    DeadLetterFilter,
    DeadLetterRow,
    DeadLetters,
    ResultRow,
    ResultWriter,
)
from sightline.redaction import SECRETS

Row = TypeVar("Row", bound=ResultRow)


@dataclass(frozen=True, slots=True)
class ResultsWithoutSecrets:
    """The port ``ResultWriter``, before that of the engine."""

    results: ResultWriter

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Write rows without secrets; raises as the writer does."""
        await self.results.write([row_without_secrets(row) for row in rows])


@dataclass(frozen=True, slots=True)
class DeadLettersWithoutSecrets:
    """The port ``DeadLetters``, before that of the engine."""

    dead_letters: DeadLetters

    def list(self, which: DeadLetterFilter) -> AsyncIterator[DeadLetterRow]:
        """Yield the events as they are stored."""
        return self.dead_letters.list(which)

    async def record(self, events: Sequence[DeadLetterRow]) -> None:
        """Append events without secrets."""
        await self.dead_letters.record([row_without_secrets(event) for event in events])


def row_without_secrets(row: Row) -> Row:
    """Return a row whose texts from outside hold no registered secret."""
    if isinstance(row, ClassificationRow):
        texts = {"answer_json": row.answer_json, "finish_reason": row.finish_reason}
    elif isinstance(row, DeadLetterRow):
        texts = {"detail": row.detail, "body": row.body}
    else:
        return row  # an embedding holds numbers
    hidden = {name: SECRETS.hide(text) for name, text in texts.items()}
    return row if hidden == texts else replace(row, **hidden)
