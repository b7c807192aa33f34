"""Shows all runs until interrupted: every two seconds, or less often if reading is slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from sightline.cli.views.status import look_json
from sightline.cli.watching.drawing import draw_status
from sightline.cli.watching.screen import Show
from sightline.operations.status import Status
from sightline.operations.watching.status_state import StatusState

REFRESH_S = 2.0
READ_SHARE = 5.0
"""After a slow read, as from a warehouse in the cloud, the pause is this many times as long."""


async def watch_status(show: Show, read: Callable[[], Awaitable[Status]]) -> None:
    """Show what ``read`` returns, repeatedly; raises as it does."""
    state = StatusState()
    while True:
        began_s = time.monotonic()
        status = await read()
        now_s = time.monotonic()
        view = state.view(now_s, status)
        show(partial(draw_status, view), {**view.rates(), **look_json(status)})
        await asyncio.sleep(max(REFRESH_S, READ_SHARE * (now_s - began_s)))
