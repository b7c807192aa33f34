"""A warehouse for analysis and maintenance: queries, compaction, repair, task views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sightline.tasks import TaskSpec


@dataclass(frozen=True, slots=True)
class Compacted:
    """The result of compacting one ledger.

    ``duplicates`` counts the rows that were dropped. Files are counted if a ledger consists of
    files.
    """

    ledger: str
    partitions: int
    rows: int
    duplicates: int
    files_before: int = 0
    files_after: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class Repaired:
    """A ledger whose manifest was rebuilt: ``files`` are listed now, and contain the ``replaced``
    ones.
    """

    ledger: str
    files: int
    replaced: int


class Upkeep(Protocol):
    """A warehouse for analysis and maintenance."""

    async def query(self, select: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the columns and rows of one read-only SELECT.

        Raises:
            ConfigurationError: it is not a single SELECT, or the engine refuses it.
        """
        ...

    async def current_answers(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Return the current answers by (subject id, task)."""
        ...

    async def compact(self, *, now: datetime, everything: bool) -> Sequence[Compacted]:
        """Drop physical duplicates of closed days; with ``everything``, of today too."""
        ...

    async def repair(self, *, now: datetime) -> Sequence[Repaired]:
        """Repair what can be derived from the ledgers; return the repaired ledgers.

        Nothing is deleted. Ledgers that do not consist of files need no repair.
        """
        ...

    async def apply_task(self, task: TaskSpec) -> None:
        """Create the task's typed view, or update it."""
        ...
