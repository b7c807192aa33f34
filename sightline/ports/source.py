"""The observations, and the work lists drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from sightline.model import ListedMessage, Preview, Run, RunRequest, WorkItem, WorkRange


class ObservationSource(Protocol):
    """The observations, and the work lists drawn from them."""

    async def preview(self, request: RunRequest) -> Preview:
        """Count what a run of this request would contain; write nothing."""
        ...

    async def open_run(self, request: RunRequest, *, run_id: str, now: datetime) -> Run:
        """Write the run, its observations and its work list atomically.

        Parts that are written, dead and not replayed, or in the work list of an open run are left
        out. Concurrent producers take turns. A run without items is not written (``messages ==
        0``).
        """
        ...

    async def unpublished(self, run_id: str) -> Sequence[WorkRange]:
        """Return, in order, the ranges of a run's list that are not known to be published."""
        ...

    async def items(self, work_range: WorkRange) -> Sequence[WorkItem]:
        """Return the items of a range, in order."""
        ...

    async def messages(self, work_range: WorkRange) -> Sequence[ListedMessage]:
        """Return the messages of a range, in order, without checking their content."""
        ...

    async def mark_published(self, work_range: WorkRange, *, now: datetime) -> None:
        """Record that a range is published."""
        ...

    async def locations(self, observation_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the URIs of images that may have moved since they were enqueued, by observation.

        Those that are unknown are left out.
        """
        ...

    async def published_now(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these runs a live process is publishing; does not wait for it."""
        ...

    def claim(self, run_id: str) -> AbstractAsyncContextManager[None]:
        """Lock a run for publishing, so that only one producer at a time publishes it.

        Raises:
            BusyError: another live process holds the lock.
        """
        ...
