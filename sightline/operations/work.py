"""Runs a worker that leases messages, calls models and writes results until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from sightline.errors import ConfigurationError, SightlineError
from sightline.extras import install_command
from sightline.ports import Engine
from sightline.progress import Progress, Update, no_progress
from sightline.settings import Settings
from worker.concurrency.side_tasks import endless
from worker.main import Meters, Summary, Watch
from worker.main import work as run_worker
from worker.stopping.signals import StopRequest
from worker.worker_status import WorkerStatus

SHOWN_EVERY_S = 0.5
COUNTED_EVERY_S = 2.0
"""How often the queue is polled if its length is not shown."""


@dataclass(frozen=True, slots=True)
class WorkResult:
    """What a worker did, and how many messages the queue held when last polled.

    ``summary.over_budget`` is the error of a worker that ended because budgets were reached.
    """

    summary: Summary
    left: int


async def work(
    settings: Settings,
    *,
    worker_id: str,
    drain: bool = False,
    view: AbstractContextManager[Watch] | None = None,
    on_metrics_url: Callable[[str], None] = lambda _url: None,
    progress: Progress = no_progress,
    stopping: StopRequest | None = None,
) -> WorkResult:
    """Run one worker until it is stopped or, with ``drain``, until the queue is empty.

    ``view`` is opened, and what it yields runs beside the worker as long as it lives.
    ``on_metrics_url`` receives the URL of the metrics for Prometheus. ``stopping`` lets a caller
    request an orderly stop; in the main thread SIGTERM and SIGINT request one, too, and a second
    one ends the process immediately.

    Raises:
        ConfigurationError: OpenTelemetry is needed and missing, or the job cannot continue.
        StorageError: queue and warehouse do not belong together, or a ledger is damaged.
        InternalError: a part of the worker failed; its leased messages are returned.
    """
    with ExitStack() as opened:
        meters, measure = opened.enter_context(_telemetry(settings, worker_id, on_metrics_url))
        besides = [measure] if measure else []
        if view is not None:
            besides.append(opened.enter_context(view))
        update = opened.enter_context(progress("messages", None))
        every_s = COUNTED_EVERY_S if progress is no_progress else SHOWN_EVERY_S
        queue = _QueueWatch(update, every_s)
        besides.append(queue.watch)
        summary = await run_worker(
            settings,
            drain=drain,
            watch=_together(besides),
            worker_id=worker_id,
            meters=meters,
            stopping=stopping,
        )
        return WorkResult(summary, queue.left)


@contextmanager
def _telemetry(
    settings: Settings, worker_id: str, on_metrics_url: Callable[[str], None]
) -> Iterator[tuple[Meters | None, Watch | None]]:
    """Yield the meters of calls, and what runs beside the worker; nothing without telemetry."""
    own = settings.telemetry
    if own.prometheus_port is None and not own.otlp_endpoint:
        yield None, None
        return
    try:
        from worker.telemetry.opening import open_telemetry  # noqa: PLC0415 - may be missing
    except ImportError as error:
        raise ConfigurationError(
            f"metrics need OpenTelemetry ({error}); run `{install_command('telemetry')}`, or"
            " leave telemetry.prometheus_port and telemetry.otlp_endpoint unset"
        ) from error
    with open_telemetry(settings, worker_id=worker_id) as telemetry:
        if telemetry.prometheus_url:
            on_metrics_url(telemetry.prometheus_url)
        yield telemetry.meters, telemetry.watch


def _together(besides: Sequence[Watch]) -> Watch:
    """Return a coroutine function that runs all of these concurrently; none may end by itself."""

    async def watch(status: WorkerStatus, engine: Engine) -> None:
        async with asyncio.TaskGroup() as group:
            for beside in besides:
                group.create_task(endless(beside(status, engine)))

    return watch


class _QueueWatch:
    """Polls the queue; ``left`` is its last known number of messages."""

    def __init__(self, update: Update, every_s: float) -> None:
        self._update = update
        self._every_s = every_s
        self.left = 0

    async def watch(self, status: WorkerStatus, engine: Engine) -> None:
        total = None
        while True:
            try:
                backlog = await engine.backlog.backlog()
            except SightlineError:
                pass  # the last count stays on display; the worker itself reports the fault
            else:
                self.left = (backlog.ready or 0) + (backlog.leased or 0)
                total = None if backlog.ready is None else status.progress.acked + self.left
            self._update(status.progress.acked, total or None)
            await asyncio.sleep(self._every_s)
