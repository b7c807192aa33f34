"""Lists dead letters, and appends their events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    DuckDbEngine,
    EngineOptions,
    Session,
    moment_of,
)
from sightline.local.warehouse.ledgers import attach_results
from sightline.local.warehouse.writer import LocalWriter
from sightline.ports import DeadLetterFilter, DeadLetterRow
from sightline.records import LETTER_COLUMNS, dead_letter

PAGE = 1000

# A part that was written after all (its message was delivered twice) is not dead.
CURRENT_DEAD_LETTERS = """
SELECT * FROM dead_letters_current AS letters
WHERE NOT EXISTS (SELECT 1 FROM classifications AS done WHERE done.part_key = letters.part_key)
  AND NOT EXISTS (SELECT 1 FROM embeddings_rows AS done WHERE done.part_key = letters.part_key)
"""

LETTERS_OLDEST_FIRST = f"""
SELECT {LETTER_COLUMNS}, epoch_us(letters.at)
FROM ({CURRENT_DEAD_LETTERS}) AS letters
WHERE ($reason IS NULL OR reason = $reason) AND ($run_id IS NULL OR letters.run_id = $run_id)
  AND ($part_key IS NULL OR letters.part_key = $part_key)
  AND (epoch_us(letters.at), event_id) > ($after_us, $after_id)
ORDER BY epoch_us(letters.at), event_id LIMIT $page
"""  # noqa: S608 - a constant


class LocalDeadLetters:
    """The dead letters below ``root``."""

    def __init__(self, root: Path, *, options: EngineOptions = DEFAULT_OPTIONS) -> None:
        self._engine = DuckDbEngine(root, options)
        self._writer = LocalWriter(root)

    async def list(self, which: DeadLetterFilter) -> AsyncIterator[DeadLetterRow]:
        """Yield the ``dead`` events that were neither replayed nor purged, oldest first.

        They are read page by page, so that memory does not grow; those replayed meanwhile are left
        out.
        """
        after = (-(1 << 62), "")
        left = which.limit
        while left is None or left > 0:
            page = PAGE if left is None else min(PAGE, left)
            rows = await self._page(which, after, page)
            for row in rows:
                yield dead_letter(row, moment_of(row[-1]))
            if len(rows) < page:
                return
            after = (rows[-1][-1], rows[-1][0])
            left = None if left is None else left - len(rows)

    async def _page(
        self, which: DeadLetterFilter, after: tuple[int, str], page: int
    ) -> Sequence[tuple[Any, ...]]:
        parameters = {
            "reason": which.reason.value if which.reason else None,
            "run_id": which.run_id,
            "part_key": which.part_key,
            "after_us": after[0],
            "after_id": after[1],
            "page": page,
        }

        def work(session: Session) -> Sequence[tuple[Any, ...]]:
            attach_results(session)
            return session.connection.execute(LETTERS_OLDEST_FIRST, parameters).fetchall()

        return await self._engine.read(work)

    async def record(self, events: Sequence[DeadLetterRow]) -> None:
        """Append events; durable on return.

        Raises:
            StorageError: the disk is full, read-only or missing.
        """
        await self._writer.write(events)
