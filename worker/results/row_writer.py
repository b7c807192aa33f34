"""Writes rows until they are durable; one that never can be becomes a dead letter instead."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sightline.errors import (
    InternalError,
    SightlineError,
    TransientError,
    UnwritableRowsError,
)
from sightline.ports import (
    ClassificationRow,
    DeadLetterRow,
    EmbeddingRow,
    ResultRow,
    ResultWriter,
)
from worker.calls.retry import Backoff
from worker.concurrency.side_tasks import described
from worker.leaser import Lease
from worker.progress import Progress
from worker.results.dead_letter_builder import DeadLetterBuilder

log = logging.getLogger(__name__)

LEDGERS: Mapping[type[ResultRow], str] = {
    ClassificationRow: "classifications",
    EmbeddingRow: "embeddings",
    DeadLetterRow: "dead_letters",
}
"""The ledger of each kind of row."""

Leased = tuple[Lease, ResultRow]
"""A row, and the message that it is about."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that can never be written, and why; ``recorded`` when its dead letter is durable."""

    lease: Lease
    row: ResultRow
    why: str
    recorded: bool = False


class RowWriter:
    """Writes the rows of a batch. One bad row takes no other with it.

    So many rows of one ledger in a row that cannot be written, ``most_refused``, without one that
    can, are no fault of theirs: then no dead letter is made of them.
    """

    def __init__(
        self,
        results: ResultWriter,
        dead_letters: DeadLetterBuilder,
        progress: Progress,
        backoff: Backoff,
        *,
        most_refused: int,
        random: Callable[[], float],
    ) -> None:
        self._results = results
        self._dead_letters = dead_letters
        self._progress = progress
        self._backoff = backoff
        self._most_refused = most_refused
        self._random = random
        self._refused_in_a_row: Counter[str] = Counter()

    async def write(self, rows: Sequence[Leased]) -> None:
        """Write rows, or the dead letters of those that cannot be; durable when it returns.

        Raises:
            StorageError, ConfigurationError: rows cannot be written at all.
            InternalError: all of them were refused, as were those before them.
            Exception: the store failed in a way that nobody foresaw.
        """
        refused = await self._stored(rows, proven=False)
        self._judge(rows, refused)
        for refusal in refused:
            if not refusal.recorded:
                await self._record(refusal)

    async def _stored(self, rows: Sequence[Leased], *, proven: bool) -> list[Refused]:
        """Write rows; return those that cannot be. All others are durable.

        Where a store fails without saying which row is to blame, it is looked for by halves.
        ``proven`` says that the store works: it has taken other rows of the batch.
        """
        try:
            details = await self._patiently([row for _, row in rows])
        except SightlineError:
            raise
        except Exception as error:  # noqa: BLE001 - of one row, or raised if the store is to blame
            if len(rows) == 1:
                return [await self._alone(*rows[0], error, proven=proven)]
            log.warning("%d rows not written, looking for the one to blame: %r", len(rows), error)
            half = len(rows) // 2
            first = await self._stored(rows[:half], proven=proven)
            return first + await self._stored(rows[half:], proven=True)
        self._count([row for place, (_, row) in enumerate(rows) if place not in details])
        return [Refused(*rows[place], why) for place, why in details.items()]

    async def _alone(
        self, lease: Lease, row: ResultRow, error: Exception, *, proven: bool
    ) -> Refused:
        """Return that a row is to blame, once it is clear that the store is not.

        Raises:
            Exception: the row's error, when the store does not take a dead letter either.
        """
        refused = Refused(lease, row, described(error), recorded=not proven)
        if not proven:
            try:
                await self._record(refused)
            except Exception as again:
                raise error from again
        return refused

    def _judge(self, rows: Sequence[Leased], refused: Sequence[Refused]) -> None:
        """Stop the worker when it is not single rows that cannot be written.

        Raises:
            InternalError: so many in a row were refused that the fault is not theirs.
        """
        tried = Counter(LEDGERS[type(row)] for _, row in rows)
        failed = Counter(LEDGERS[type(refusal.row)] for refusal in refused)
        for ledger, count in tried.items():
            if failed[ledger] < count:
                self._refused_in_a_row[ledger] = 0
            else:
                self._refused_in_a_row[ledger] += count
            if self._refused_in_a_row[ledger] >= self._most_refused:
                last = next(
                    refusal.why for refusal in refused if LEDGERS[type(refusal.row)] == ledger
                )
                raise InternalError(
                    f"{self._refused_in_a_row[ledger]} rows of {ledger} in a row cannot be written"
                    f" ({last}); nothing more was given up: fix the cause, then run `sightline"
                    " work`"
                )

    async def _record(self, refused: Refused) -> None:
        """Write the dead letter of a row that cannot be written."""
        letter = self._dead_letters.of_unwritable(refused.lease, refused.row, refused.why)
        log.warning("a row cannot be written, its part is a dead letter: %s", letter.detail)
        details = await self._patiently([letter])
        if details:
            raise UnwritableRowsError(details)
        self._count([letter])

    async def _patiently(self, rows: list[ResultRow]) -> Mapping[int, str]:
        """Write rows, however long the store is out of reach; return which cannot be, and why."""
        failures = 0
        while True:
            try:
                await self._results.write(rows)
            except TransientError as error:
                failures += 1
                pause_s = self._backoff.delay_s(failures, self._random, error.retry_after_s)
                log.warning("%d rows not written, again in %.1f s: %s", len(rows), pause_s, error)
                await asyncio.sleep(pause_s)
                continue
            except UnwritableRowsError as error:
                return error.details
            return {}

    def _count(self, rows: Sequence[ResultRow]) -> None:
        for kind, written in Counter(map(type, rows)).items():
            self._progress.rows[LEDGERS[kind]] += written
        self._progress.dead.update(
            row.reason.value
            for row in rows
            if isinstance(row, DeadLetterRow) and row.event == "dead"
        )
