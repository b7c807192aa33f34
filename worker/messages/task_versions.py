"""Reads the tasks that messages name from the ledgers, once each."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from sightline.errors import PermanentError, Reason
from sightline.model import AnswerPart
from sightline.ports import Ledgers
from sightline.tasks import TaskSpec


class TaskVersions:
    """Caches every task version that was read; versions never change."""

    def __init__(self, ledgers: Ledgers) -> None:
        self._ledgers = ledgers
        self._known: dict[str, TaskSpec] = {}
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, part: AnswerPart) -> TaskSpec:
        """Return the version of the task that a part names.

        Raises:
            PermanentError: ``bad_message``, the version is in no ledger.
            TransientError: the ledgers are unreachable.
        """
        if (known := self._known.get(part.fingerprint)) is not None:
            return known
        async with self._reading[part.fingerprint]:
            if part.fingerprint not in self._known:
                self._known[part.fingerprint] = await self._read(part)
        return self._known[part.fingerprint]

    async def _read(self, part: AnswerPart) -> TaskSpec:
        task = await self._ledgers.task_version(part.fingerprint)
        if task is None:
            raise PermanentError(
                Reason.BAD_MESSAGE,
                f"task {part.task} at {part.fingerprint[:12]} is in no task_versions ledger",
            )
        return task
