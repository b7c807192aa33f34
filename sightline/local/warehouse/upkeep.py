"""Queries and maintenance of the local warehouse."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sightline.local.warehouse.asking import current_answers, query
from sightline.local.warehouse.compaction import compact_all
from sightline.local.warehouse.repair import repair_all
from sightline.ports import Compacted, Repaired
from sightline.tasks import TaskSpec


class LocalUpkeep:
    """The ledgers below ``root``: queries in DuckDB's SQL, and compaction.

    Queries also see the imported rows in ``source``.
    """

    def __init__(self, root: Path, source: Path | None = None) -> None:
        self._root = root
        self._source = source

    async def query(self, select: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the columns and rows of one read-only SELECT.

        Raises:
            ConfigurationError: it is not a single SELECT, or DuckDB refuses it.
        """
        return await asyncio.to_thread(query, self._root, select, source=self._source)

    async def current_answers(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Return the current answers by (subject id, task)."""
        return await asyncio.to_thread(current_answers, self._root)

    async def compact(self, *, now: datetime, everything: bool) -> Sequence[Compacted]:
        """Merge small files and drop physical duplicates; see ``compaction``.

        Raises:
            BusyError: another process is compacting.
            StorageError: the disk is full, or a file is invalid.
        """
        return await asyncio.to_thread(compact_all, self._root, now=now, everything=everything)

    async def repair(self, *, now: datetime) -> Sequence[Repaired]:
        """Rebuild manifests that files contradict; see ``repair``.

        Raises:
            BusyError: another process is compacting.
            StorageError: a file that a manifest names is missing, or the disk is full.
        """
        return await asyncio.to_thread(repair_all, self._root, now=now)

    async def apply_task(self, task: TaskSpec) -> None:
        """Do nothing: typed views are created for each query."""
