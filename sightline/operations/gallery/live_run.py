"""The runs as they progress: read once for everyone who watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sightline.errors import SightlineError
from sightline.operations.status import RunStatus, look
from sightline.operations.watching.status_state import StatusState, StatusView
from sightline.ports import Engine, PeerRates
from sightline.settings import Settings
from sightline.wiring.ids import utc_now

EVERY_S = 1.0
EVERY_S_IN_CLOUD = 5.0
"""BigQuery is asked less often: each look is paid."""
WATCHER = "page"
"""The name under which the reader asks for the workers' reports; it reports nothing itself."""


@dataclass(frozen=True, slots=True)
class LimiterBelief:
    """What the workers of one kind of call send together, and what quota they believe in."""

    kind: str
    model: str
    workers: int
    rate_per_s: float
    quota_per_s: float | None
    share_refused: float | None


@dataclass(frozen=True, slots=True)
class LiveRuns:
    """All runs at one moment. ``problem`` is why they cannot be read now, if they cannot."""

    at: datetime
    view: StatusView | None
    runs: Sequence[RunStatus] = ()
    limiters: Sequence[LimiterBelief] = ()
    problem: str = ""


class RunReader:
    """Reads the runs, once for all listeners, and only while there are any."""

    def __init__(
        self,
        engine: Callable[[], Awaitable[Engine]],
        settings: Settings,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._now_s = now_s
        local = settings.adapter("warehouse") == "local"
        self._every_s = EVERY_S if local else EVERY_S_IN_CLOUD
        self._state = StatusState()
        self._latest: LiveRuns | None = None
        self._listeners: set[asyncio.Queue[LiveRuns | None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._stopped = False

    async def now(self) -> LiveRuns:
        """Return the runs as they are.

        Raises:
            SightlineError: they cannot be read.
        """
        engine = await self._engine()
        status = await look(engine)
        view = self._state.view(self._now_s(), status)
        rates = await engine.peers.report(WATCHER, {}) if engine.peers.seen else {}
        return LiveRuns(utc_now(), view, status.runs, _beliefs(rates, self._settings))

    async def changes(self) -> AsyncGenerator[LiveRuns, None]:
        """Yield the runs, and again when they changed; ends when the reader stops."""
        queue: asyncio.Queue[LiveRuns | None] = asyncio.Queue(maxsize=1)
        self._listeners.add(queue)
        if self._stopped:
            return
        try:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            elif self._latest is not None:
                queue.put_nowait(self._latest)
            while (runs := await queue.get()) is not None:
                yield runs
        finally:
            self._listeners.discard(queue)
            if not self._listeners:
                await self._end()

    async def stop(self) -> None:
        """End all listeners' streams, and the reading."""
        self._stopped = True
        for queue in self._listeners:
            _put(queue, None)
        await self._end()

    async def _end(self) -> None:
        reading, self._reading, self._latest = self._reading, None, None
        if reading is not None:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _read(self) -> None:
        while True:
            try:
                runs = await self.now()
            except SightlineError as error:
                runs = LiveRuns(utc_now(), None, problem=str(error))
            if _differs(runs, self._latest):
                self._latest = runs
                for queue in self._listeners:
                    _put(queue, runs)
            await asyncio.sleep(self._every_s)


def _put(queue: asyncio.Queue[LiveRuns | None], runs: LiveRuns | None) -> None:
    """Replace what a slow listener has not taken."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(runs)


def _differs(runs: LiveRuns, before: LiveRuns | None) -> bool:
    if before is None:
        return True
    return (runs.view, runs.limiters, runs.problem) != (
        before.view,
        before.limiters,
        before.problem,
    )


def _beliefs(rates: Mapping[str, PeerRates], settings: Settings) -> Sequence[LimiterBelief]:
    models = {"classify": settings.models.classify, "embed": settings.models.embed}
    return [
        LimiterBelief(
            kind=kind,
            model=models.get(kind, kind),
            workers=reported.workers,
            rate_per_s=reported.mean_per_s * reported.workers,
            quota_per_s=belief.rate_per_s if belief else None,
            share_refused=belief.usual if belief else None,
        )
        for kind, reported in sorted(rates.items())
        for belief in [reported.remembered.belief if reported.remembered else None]
    ]
