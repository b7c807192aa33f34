"""Writes rows in batches, and settles their messages only once the rows are durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from sightline.errors import TransientError
from sightline.ports import Subscription
from worker.leaser import Leaser
from worker.progress import Progress
from worker.results.row_writer import RowWriter
from worker.results.settlement import Settle, Settlement

log = logging.getLogger(__name__)

NACK_DELAY_STEP_S = 0.5
"""Nacks with delays in the same interval of this length, in seconds, are sent together."""


@dataclass(frozen=True, slots=True)
class FlushRule:
    """A batch is written at this many rows or messages, or this long after its first."""

    rows: int
    messages: int
    after_s: float


class BatchWriter:
    """Collects settlements, which ``run`` writes and settles. Bounded by the number of leases."""

    def __init__(
        self,
        rows: RowWriter,
        subscription: Subscription,
        leaser: Leaser,
        progress: Progress,
        rule: FlushRule,
        *,
        on_settled: Callable[[], None],
    ) -> None:
        self._rows = rows
        self._subscription = subscription
        self._leaser = leaser
        self._progress = progress
        self._rule = rule
        self._pending: list[Settlement] = []
        self._pending_rows = 0
        self._more = asyncio.Event()
        self._now = asyncio.Event()
        self._on_settled = on_settled
        self._closing = False

    @property
    def pending(self) -> int:
        """How many settlements wait to be written."""
        return len(self._pending)

    @property
    def closing(self) -> bool:
        """Whether ``run`` may return."""
        return self._closing

    def add(self, settlement: Settlement) -> None:
        """Add a settlement; its rows are written with the next batch."""
        self._pending.append(settlement)
        self._pending_rows += len(settlement.rows)
        self._more.set()
        if self._pending_rows >= self._rule.rows or len(self._pending) >= self._rule.messages:
            self._now.set()

    def flush_soon(self) -> None:
        """Write without waiting for a full batch: no other message is being handled."""
        if self._pending:
            self._now.set()

    def close(self) -> None:
        """Let ``run`` return once every added settlement is settled."""
        self._closing = True
        self._more.set()
        self._now.set()

    async def run(self) -> None:
        """Write and settle until closed; after an error, unwritten settlements remain for the next
        ``run``.

        Raises:
            StorageError, ConfigurationError: rows cannot be written; nothing was acked.
            Exception: as raised by ``RowWriter.write`` or by the queue.
        """
        while True:
            await self._more.wait()
            if not self._pending:
                return
            if not self._closing:
                await self._batch_time()
            await self._flush()
            if not self._pending and not self._closing:
                self._more.clear()

    async def _batch_time(self) -> None:
        try:
            async with asyncio.timeout(self._rule.after_s):
                await self._now.wait()
        except TimeoutError:
            pass  # the batch has waited long enough

    async def _flush(self) -> None:
        batch, self._pending, self._pending_rows = self._pending, [], 0
        self._now.clear()
        try:
            rows = [(settlement.lease, row) for settlement in batch for row in settlement.rows]
            if rows:
                await self._rows.write(rows)
            # They are not written again.
            batch = [replace(settlement, rows=()) for settlement in batch]
            await self._settle(batch)
        except BaseException:
            self._pending = batch + self._pending
            self._pending_rows = sum(len(settlement.rows) for settlement in self._pending)
            raise
        self._on_settled()

    async def _settle(self, batch: list[Settlement]) -> None:
        acks: list[str] = []
        nacks: dict[float, list[str]] = {}
        for settlement in batch:
            lease_id = settlement.lease.delivery.lease_id
            if settlement.settle is Settle.ACK:
                acks.append(lease_id)
            elif settlement.settle is Settle.NACK:
                step = round(settlement.delay_s / NACK_DELAY_STEP_S) * NACK_DELAY_STEP_S
                nacks.setdefault(step, []).append(lease_id)
        try:
            if acks:
                await self._subscription.ack(acks)
            for delay_s, lease_ids in nacks.items():
                await self._subscription.nack(lease_ids, delay_s=delay_s)
        except TransientError as error:
            # The rows are durable: after a redelivery, the ledgers show that they are paid for.
            log.warning("%d messages not settled, they will be redelivered: %s", len(batch), error)
        self._progress.acked += len(acks)
        self._progress.nacked += sum(map(len, nacks.values()))
        self._progress.leases_lost += sum(settlement.lease.lost for settlement in batch)
        self._leaser.forget(
            settlement.lease.delivery.lease_id
            for settlement in batch
            if settlement.settle is not Settle.KEEP
        )
