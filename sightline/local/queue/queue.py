"""The local queue, in place of Pub/Sub: its ports over one SQLite file, for many processes."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from sightline.local.marks import Marks, QueueMarks
from sightline.local.queue import store
from sightline.local.queue.connection import Connection
from sightline.ports import Backlog, Delivery, Outgoing, PeerRates, PeerReport

BACKSTOP_ATTEMPTS = 100
BACKSTOP_LEASE_S = 60.0
CLOCK_SLACK_S = 1.0
"""A clock that goes back by more than this, in seconds, was set rather than slewed."""


class LocalQueue:
    """``Publisher``, ``Subscription``, ``BacklogReader`` and ``Peers`` over one SQLite file.

    Safe for many processes, and for SIGKILL at any time. A cancelled call has either happened or
    not; messages leased by a cancelled ``pull`` are returned, and the delivery is not counted.
    Every method may raise the errors of ``failures.translated``.

    Publishing and leasing are on disk on return: a lost publish is lost work, and after a lost
    delivery the message would come again as a first delivery, which is paid for without a lookup.
    Settling is not: a lost ack leads to a second delivery, which is looked up in the ledgers.
    """

    seen = True
    """Workers see each other through the file."""
    every_s = store.REPORT_EVERY_S

    def __init__(
        self,
        writing: Connection,
        reading: Connection,
        *,
        now: Callable[[], float],
        backstop_attempts: int,
        marks: Marks,
    ) -> None:
        self._marks = marks
        self._writing = writing
        self._reading = reading
        self._now = now
        self._latest = now()
        self._backstop_attempts = backstop_attempts

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        now: Callable[[], float] = time.time,
        backstop_attempts: int = BACKSTOP_ATTEMPTS,
        marks: Marks | None = None,
    ) -> AsyncIterator[LocalQueue]:
        """Open the queue in this file; create it if there is none.

        ``now`` is Unix time in seconds. A message delivered ``backstop_attempts`` times is not
        delivered again but kept for ``collect_backstop``. ``marks`` are shared with the writers of
        this process.

        Raises:
            ConfigurationError: the file is not a queue, or has another layout.
            StorageError: it cannot be created, read or written.
            TransientError: another process locked it for 30 seconds.
        """
        async with (
            Connection.open(path, name="queue-writing") as writing,
            Connection.open(path, name="queue-reading") as reading,
        ):
            queue = cls(
                writing,
                reading,
                now=now,
                backstop_attempts=backstop_attempts,
                marks=marks or Marks(),
            )
            if await reading.run(lambda sqlite: store.any_held_too_long(sqlite, now=now())):
                await writing.write(
                    lambda sqlite: store.shorten_holds(sqlite, now=now()), durable=False
                )
            yield queue
            await queue._record_durable()

    async def publish(self, messages: Sequence[Outgoing], *, batch_key: str) -> int:
        """Publish a batch once for its key, durably; return its messages, 0 the second time."""
        marks: list[int] = []

        def work(sqlite: sqlite3.Connection) -> int:
            count = store.publish(sqlite, messages, batch_key, self._now())
            if count:
                marks.append(store.take_mark(sqlite))
            return count

        count = await self._writing.write(work, durable=True)
        self._marks.took(max(marks, default=0))
        return count

    async def pull(self, max_messages: int, *, lease_s: float) -> Sequence[Delivery]:
        """Lease up to ``max_messages`` for ``lease_s`` seconds, those never delivered first."""
        await self._follow_clock()
        attempts = self._backstop_attempts
        marks: list[int] = []

        def work(sqlite: sqlite3.Connection) -> list[Delivery]:
            leased = store.lease(
                sqlite, max_messages, lease_s=lease_s, now=self._now(), attempts=attempts
            )
            if leased:
                marks.append(store.take_mark(sqlite))
            return leased

        deliveries = await self._take(self._writing.submit_write(work, durable=True))
        self._marks.took(max(marks, default=0))
        if not deliveries:
            await self._writing.run(store.give_back_space)
        return deliveries

    async def extend(self, lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:
        """Extend the leases to ``lease_s`` seconds from now; return those that are lost.

        An expired lease is lost only once its message is delivered again.
        """
        if not lease_ids:
            return frozenset()
        return await self._writing.write(
            lambda sqlite: store.extend(sqlite, lease_ids, lease_s=lease_s, now=self._now()),
            durable=False,
        )

    async def ack(self, lease_ids: Sequence[str]) -> None:
        """Settle the messages whose leases are not lost."""
        if not lease_ids:
            return
        durable = self._marks.durable

        def work(sqlite: sqlite3.Connection) -> None:
            store.ack(sqlite, lease_ids)
            store.record_durable(sqlite, durable)

        await self._writing.write(work, durable=False)

    async def nack(self, lease_ids: Sequence[str], *, delay_s: float = 0.0) -> None:
        """Nack the messages whose leases are not lost, with a delay of ``delay_s`` seconds."""
        if lease_ids:
            await self._writing.write(
                lambda sqlite: store.nack(sqlite, lease_ids, delay_s=delay_s, now=self._now()),
                durable=False,
            )

    async def collect_backstop(self, max_messages: int) -> Sequence[Delivery]:
        """Lease, for a minute, messages that were delivered too often; ack or nack them."""
        await self._follow_clock()
        return await self._take(
            self._writing.submit_write(
                lambda sqlite: store.lease_behind_backstop(
                    sqlite, max_messages, lease_s=BACKSTOP_LEASE_S, now=self._now()
                ),
                durable=False,
            )
        )

    async def backlog(self, run_id: str | None = None) -> Backlog:
        """Count unsettled messages: leased, and ready (including delayed ones)."""
        return await self._reading.run(
            lambda sqlite: store.count_backlog(sqlite, run_id, self._now())
        )

    async def run_ids(self) -> frozenset[str]:
        """Return the runs that have unsettled messages."""
        return await self._reading.run(store.run_ids)

    async def purge(self, run_id: str) -> int:
        """Drop a run's unleased messages, in steps; return how many."""
        dropped = after = 0
        while page := await self._writing.write(
            partial(store.purge_page, run_id=run_id, after=after, now=self._now()),
            durable=False,
        ):
            dropped += len(page)
            after = max(page)
        return dropped

    async def make_due(self, run_id: str) -> int:
        """Make a run's delayed messages ready immediately; return how many."""
        return await self._writing.write(
            lambda sqlite: store.make_due(sqlite, run_id, self._now()), durable=False
        )

    async def queued_bodies(self, run_id: str | None = None) -> AsyncIterator[bytes]:
        """Yield the bodies of all unsettled messages of a run, or of all, in constant memory."""
        after = 0
        while page := await self._reading.run(
            partial(store.read_bodies, run_id=run_id, after=after)
        ):
            for _, body in page:
                yield body
            after = page[-1][0]

    async def _record_durable(self) -> None:
        """Record the files that this process made durable without an ack, for example a producer's
        events.
        """
        durable = self._marks.durable
        if durable:
            await self._writing.write(
                lambda sqlite: store.record_durable(sqlite, durable), durable=False
            )

    async def read_marks(self) -> QueueMarks:
        """Return the queue's state, for comparison with a warehouse."""
        return await self._reading.run(store.read_marks)

    async def accept_marks(self, there: Mapping[str, int]) -> None:
        """Continue from the warehouse's marks, by ledger, whatever was recorded."""
        await self._writing.write(lambda sqlite: store.accept_marks(sqlite, there), durable=True)

    async def recheck_all(self) -> int:
        """Mark every unsettled message to be looked up before anything is paid; return how many."""
        count = after = 0
        while page := await self._writing.write(
            partial(store.recheck_page, after=after), durable=True
        ):
            count += len(page)
            after = max(page)
        return count

    async def report(
        self, worker_id: str, reports: Mapping[str, PeerReport]
    ) -> Mapping[str, PeerRates]:
        """Report this worker's calls of each kind; return everybody's reports, with the memory."""
        return await self._writing.write(
            lambda sqlite: store.report_rates(sqlite, worker_id, reports, now=self._now()),
            durable=False,
        )

    async def leave(self, worker_id: str) -> None:
        """Remove this worker's report."""
        await self._writing.write(
            lambda sqlite: store.forget_sender(sqlite, worker_id, now=self._now()), durable=False
        )

    async def _take(self, job: Future[list[Delivery]]) -> Sequence[Delivery]:
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            # Jobs run in order, so this one runs after the other finished, or was removed.
            self._writing.submit_write(partial(self._undo, job), durable=False)
            raise

    def _undo(self, job: Future[list[Delivery]], sqlite: sqlite3.Connection) -> None:
        if not job.cancelled() and job.exception() is None:
            lease_ids = [delivery.lease_id for delivery in job.result()]
            store.undo_lease(sqlite, lease_ids, now=self._now())

    async def _follow_clock(self) -> None:
        now = self._now()
        went_back, self._latest = now < self._latest - CLOCK_SLACK_S, now
        if went_back:
            await self._writing.write(
                lambda sqlite: store.shorten_holds(sqlite, now=self._now()), durable=False
            )
