"""Samples a worker from its event loop: values that only the loop may read, and the loop's lag."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping

from sightline.errors import SightlineError
from sightline.ports import Backlog, BacklogReader
from worker.limiting import LimiterSnapshot
from worker.worker_status import Kind, WorkerStatus

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
LAG_OVER_S = 15.0
"""The reported lag is the worst of this many seconds, so that infrequent scrapes see it."""

BACKLOG_EVERY_S = 5.0


class Probe:
    """The latest sample. Other threads read its attributes, which are replaced, never changed."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self.status: WorkerStatus | None = None
        self.limiters: Mapping[Kind, LimiterSnapshot] = {}
        self.backlog = Backlog(None, None)
        self._monotonic = monotonic
        self._lags: deque[float] = deque(maxlen=round(LAG_OVER_S / LOOK_EVERY_S))

    @property
    def lag_s(self) -> float:
        """The longest recent delay of a timer in the event loop, in seconds."""
        return max(tuple(self._lags), default=0.0)

    async def run(self, status: WorkerStatus, backlog: BacklogReader) -> None:
        """Sample until cancelled."""
        self.status = status
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look(status))
            group.create_task(self._count(backlog))

    async def _look(self, status: WorkerStatus) -> None:
        while True:
            self.limiters = status.limiter_states()
            due_s = self._monotonic() + LOOK_EVERY_S
            await asyncio.sleep(LOOK_EVERY_S)
            self._lags.append(max(0.0, self._monotonic() - due_s))

    async def _count(self, backlog: BacklogReader) -> None:
        while True:
            try:
                self.backlog = await backlog.backlog()
            except SightlineError as error:
                self.backlog = Backlog(None, None)  # no value is better than an old one
                log.debug("the backlog cannot be read: %s", error)
            await asyncio.sleep(BACKLOG_EVERY_S)
