"""Redacts every row before it is written to a ledger: no registered secret is ever stored.

A model's service may return the key of the request, in an answer or in an error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from sightline.ports import (
    ClassificationRow,
    DeadLetterFilter,
    DeadLetterRow,
    DeadLetters,
    ResultRow,
    ResultWriter,
)
from sightline.redaction import SECRETS


@dataclass(frozen=True, slots=True)
class ResultsWithoutSecrets:
    """A ``ResultWriter`` in front of the engine's."""

    results: ResultWriter

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Write rows without secrets; raises as the writer does."""
        await self.results.write([_clean(row) for row in rows])


@dataclass(frozen=True, slots=True)
class DeadLettersWithoutSecrets:
    """A ``DeadLetters`` in front of the engine's."""

    dead_letters: DeadLetters

    def list(self, which: DeadLetterFilter) -> AsyncIterator[DeadLetterRow]:
        """Yield the events as they are stored."""
        return self.dead_letters.list(which)

    async def record(self, events: Sequence[DeadLetterRow]) -> None:
        """Append events without secrets."""
        await self.dead_letters.record([_clean_event(event) for event in events])


def _clean(row: ResultRow) -> ResultRow:
    if isinstance(row, ClassificationRow):
        return replace(
            row,
            answer_json=SECRETS.hide(row.answer_json),
            finish_reason=SECRETS.hide(row.finish_reason),
        )
    if isinstance(row, DeadLetterRow):
        return _clean_event(row)
    return row  # an embedding contains only numbers


def _clean_event(event: DeadLetterRow) -> DeadLetterRow:
    return replace(event, detail=SECRETS.hide(event.detail), body=SECRETS.hide(event.body))
