"""Shows a worker beside its work: twice a second, and the remaining work less often."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from sightline.cli.watching.drawing import draw_work
from sightline.cli.watching.screen import Show, print_nowhere, screen
from sightline.cli.watching.work_state import WorkState
from sightline.errors import SightlineError
from sightline.ports import Engine
from worker.main import Watch
from worker.worker_status import WorkerStatus

REFRESH_S = 0.5
COUNT_EVERY_S = 1.0
COUNT_LEDGERS_EVERY_S = 15.0
"""If a queue does not report its backlog, the ledgers are counted, which may cost money."""

COUNT_SHARE = 20.0
"""After a slow count, the pause is at least this many times as long."""

log = logging.getLogger(__name__)


@contextmanager
def live_worker(*, as_json: bool) -> Iterator[Watch]:
    """Yield a watch that shows a worker beside its work."""
    with screen(as_json=as_json) as show:
        yield lambda status, engine: watch_work(show, status, engine)


async def watch_work(show: Show, status: WorkerStatus, engine: Engine) -> None:
    """Show the worker until cancelled, and once more at the end.

    If the reader of the lines closes them, as ``head`` does, the worker continues without a view.
    """
    state = WorkState(status.worker_id, time.monotonic())

    def look() -> None:
        view = state.view(
            time.monotonic(),
            status.progress,
            status.limiter_states(),
            leased=status.leaser.outstanding,
            stopping=status.stopping(),
        )
        show(partial(draw_work, view), view.as_dict())

    async def look_on() -> None:
        try:
            while True:
                look()
                await asyncio.sleep(REFRESH_S)
        finally:
            with suppress(SightlineError):  # the last picture is that of the end
                await _count_queue(state, engine)
            look()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_count(state, engine))
            group.create_task(look_on())
    except* BrokenPipeError:
        print_nowhere()
    await asyncio.Event().wait()  # until cancelled: what ends beside a worker ends the worker


async def _count(state: WorkState, engine: Engine) -> None:
    while True:
        began_s = time.monotonic()
        pause_s = COUNT_EVERY_S
        try:
            if not await _count_queue(state, engine):
                missing = await engine.ledgers.missing()
                state.saw_left(time.monotonic(), missing, "parts")
                took_s = time.monotonic() - began_s
                pause_s = max(COUNT_LEDGERS_EVERY_S, COUNT_SHARE * took_s)
        except SightlineError as error:
            log.debug("what is left cannot be counted: %s", error)
        await asyncio.sleep(pause_s)


async def _count_queue(state: WorkState, engine: Engine) -> bool:
    """Count the messages in the queue; return whether the queue reports them."""
    backlog = await engine.backlog.backlog()
    if backlog.ready is None:
        return False
    state.saw_left(time.monotonic(), backlog.ready + (backlog.leased or 0), "messages")
    return True
