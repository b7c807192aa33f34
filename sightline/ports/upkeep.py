"""A warehouse as analysts and its keepers use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sightline.tasks import TaskSpec


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction of one ledger did. ``duplicates`` are the rows that were left out.

    Files are counted where a ledger is made of files.
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
    """A ledger whose manifest was rebuilt. ``files`` count now; ``replaced`` are held by these."""

    ledger: str
    files: int
    replaced: int


class Upkeep(Protocol):
    """A warehouse as analysts and its keepers use it."""

    async def query(self, select: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the columns and rows of one SELECT; nothing can be written.

        Raises:
            ConfigurationError: it is no single SELECT, or the engine refuses it.
        """
        ...

    async def current_answers(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Return the current answers by (subject id, task)."""
        ...

    async def compact(self, *, now: datetime, everything: bool) -> Sequence[Compacted]:
        """Drop physical duplicates of closed days; with ``everything``, of today too."""
        ...

    async def repair(self, *, now: datetime) -> Sequence[Repaired]:
        """Mend what can be told from the ledgers themselves; return the ledgers that needed it.

        Nothing is deleted. Where a ledger is no set of files there is nothing to mend.
        """
        ...

    async def apply_task(self, task: TaskSpec) -> None:
        """Make the task's typed view, or bring it to the task's present form."""
        ...
