"""Writes rows until they are durable; a row that can never be written becomes a dead letter."""

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
"""A row, and the message it belongs to."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that can never be written, and why; ``recorded`` if its dead letter is durable."""

    lease: Lease
    row: ResultRow
    why: str
    recorded: bool = False


class RowWriter:
    """Writes the rows of a batch; one bad row does not affect the others.

    If ``most_refused`` rows of one ledger in a row cannot be written, the rows are not at fault,
    and no dead letter is written for them.
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
        """Write rows, or the dead letters of those that cannot be written; durable on return.

        Raises:
            StorageError, ConfigurationError: rows cannot be written at all.
            InternalError: all of them were refused, as were the rows before them.
            Exception: the store failed unexpectedly.
        """
        refused = await self._stored(rows, proven=False)
        self._judge(rows, refused)
        for refusal in refused:
            if not refusal.recorded:
                await self._record(refusal)

    async def _stored(self, rows: Sequence[Leased], *, proven: bool) -> list[Refused]:
        """Write rows; return those that cannot be written. All others are durable.

        If a store fails without naming the bad row, it is found by bisection. ``proven`` means that
        the store works: it has taken other rows of the batch.
        """
        try:
            details = await self._until_durable([row for _, row in rows])
        except SightlineError:
            raise
        except Exception as error:  # noqa: BLE001 - of one row, or raised if the store is at fault
            if len(rows) == 1:
                return [await self._alone(*rows[0], error, proven=proven)]
            log.warning("%d rows not written, looking for the bad row: %r", len(rows), error)
            half = len(rows) // 2
            first = await self._stored(rows[:half], proven=proven)
            return first + await self._stored(rows[half:], proven=True)
        self._count([row for place, (_, row) in enumerate(rows) if place not in details])
        return [Refused(*rows[place], why) for place, why in details.items()]

    async def _alone(
        self, lease: Lease, row: ResultRow, error: Exception, *, proven: bool
    ) -> Refused:
        """Return the bad row once it is certain that the store works.

        Raises:
            Exception: the row's error, if the store refuses a dead letter too.
        """
        refused = Refused(lease, row, described(error), recorded=not proven)
        if not proven:
            try:
                await self._record(refused)
            except Exception as again:
                raise error from again
        return refused

    def _judge(self, rows: Sequence[Leased], refused: Sequence[Refused]) -> None:
        """Stop the worker if the fault is not in single rows.

        Raises:
            InternalError: too many rows in a row were refused.
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
                    f" ({last}); no further part was given up: fix the cause, then run `sightline"
                    " work`"
                )

    async def _record(self, refused: Refused) -> None:
        """Write the dead letter of a row that cannot be written."""
        letter = self._dead_letters.of_unwritable(refused.lease, refused.row, refused.why)
        log.warning("a row cannot be written, its part is a dead letter: %s", letter.detail)
        details = await self._until_durable([letter])
        if details:
            raise UnwritableRowsError(details)
        self._count([letter])

    async def _until_durable(self, rows: list[ResultRow]) -> Mapping[int, str]:
        """Write rows, with retries while the store is unreachable; return the refused ones with
        reasons.
        """
        failures = 0
        while True:
            try:
                await self._results.write(rows)
            except TransientError as error:
                failures += 1
                pause_s = self._backoff.delay_s(failures, self._random, error.retry_after_s)
                log.warning(
                    "%d rows not written, trying again in %.1f s: %s", len(rows), pause_s, error
                )
                await asyncio.sleep(pause_s)
                continue
            except UnwritableRowsError as error:
                return error.details
            return {}

    def _count(self, rows: Sequence[ResultRow]) -> None:
        for kind, count in Counter(map(type, rows)).items():
            self._progress.rows[LEDGERS[kind]] += count
        self._progress.dead.update(
            row.reason.value
            for row in rows
            if isinstance(row, DeadLetterRow) and row.event == "dead"
        )
