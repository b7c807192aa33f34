"""Shows all runs until interrupted: every two seconds, and less often where a look is slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from sightline.cli.views.status import look_json
from sightline.cli.watching.drawing import draw_status
from sightline.cli.watching.screen import Show
from sightline.cli.watching.status_state import StatusState
from sightline.operations.status import Status

REFRESH_S = 2.0
READ_SHARE = 5.0
"""A look that takes long, as at a warehouse in the cloud, pauses so many times as long after it."""


async def watch_status(show: Show, read: Callable[[], Awaitable[Status]]) -> None:
    """Show what ``read`` returns, again and again; raises as it does."""
    state = StatusState()
    while True:
        began_s = time.monotonic()
        status = await read()
        now_s = time.monotonic()
        view = state.view(now_s, status)
        show(partial(draw_status, view), {**view.rates(), **look_json(status)})
        await asyncio.sleep(max(REFRESH_S, READ_SHARE * (now_s - began_s)))
