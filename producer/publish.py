"""Opens a run and publishes its work list by ranges; a killed run continues where it stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from producer.ahead import read_ahead
from sightline.model import ListedMessage, Run, RunRequest, WorkRange
from sightline.ports import ObservationSource, Outgoing, Publisher, Runs
from sightline.wire import attributes, attributes_of, encode

RECONCILE_ITEMS = 5000
"""The number of lost items that are read and published at a time."""


@dataclass(frozen=True, slots=True)
class Published:
    """The result of publishing: ``messages`` published now, of ``total`` in the work list."""

    run_id: str
    messages: int
    total: int
    parts: int


class Producer:
    """Publishes work lists, and reports progress as (messages so far, messages in total).

    ``before_open`` receives the id of a run before it exists, for example to set its budget.
    """

    def __init__(
        self,
        source: ObservationSource,
        publisher: Publisher,
        *,
        now: Callable[[], datetime],
        new_run_id: Callable[[datetime], str],
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
        before_open: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._source = source
        self._publisher = publisher
        self._now = now
        self._new_run_id = new_run_id
        self._on_progress = on_progress
        self._before_open = before_open

    async def enqueue(self, request: RunRequest) -> Published | None:
        """Write a work list of everything not done yet, and publish it; ``None`` if all is done."""
        now = self._now()
        run_id = self._new_run_id(now)
        if self._before_open:
            await self._before_open(run_id)
        run = await self._source.open_run(request, run_id=run_id, now=now)
        return await self.publish(run) if run.messages else None

    async def publish(self, run: Run, *, resumed: bool = False) -> Published:
        """Publish the ranges of a run that are not known to be published.

        The first range of a resumed run may have been published before the producer died: its
        messages make the workers look into the ledgers before they pay for a call.

        Raises:
            BusyError: another producer is publishing this run.
        """
        published = 0
        async with self._source.claim(run.run_id):
            ranges = await self._source.unpublished(run.run_id)
            done = run.messages - sum(work_range.stop - work_range.start for work_range in ranges)
            async with aclosing(read_ahead(self._source.messages, ranges)) as read:
                async for work_range, listed in read:
                    recheck = resumed and work_range is ranges[0]
                    published += await self._publish_range(work_range, listed, recheck=recheck)
                    done += work_range.stop - work_range.start
                    self._on_progress(done, run.messages)
        return Published(run.run_id, published, run.messages, run.parts)

    async def reconcile(self, run_id: str, runs: Runs) -> int:
        """Publish a run's lost parts again; return how many messages.

        A lost part may have been written meanwhile: workers look into the ledgers before they pay.

        Raises:
            BusyError: another producer is publishing this run.
            NotFoundError: there is no such run.
        """
        published = 0
        async with self._source.claim(run_id):
            async for items in runs.lost(run_id, page_items=RECONCILE_ITEMS):
                messages = [
                    Outgoing(encode(message), attributes(message, recheck=True))
                    for message in items
                ]
                key = f"reconcile/{run_id}/{self._now().isoformat()}/{published}"
                published += await self._publisher.publish(messages, batch_key=key)
        return published

    async def _publish_range(
        self, work_range: WorkRange, listed: Sequence[ListedMessage], *, recheck: bool
    ) -> int:
        messages = [
            Outgoing(item.body, attributes_of(work_range.run_id, item.asset_type, recheck=recheck))
            for item in listed
        ]
        count = await self._publisher.publish(messages, batch_key=work_range.key)
        await self._source.mark_published(work_range, now=self._now())
        return count
