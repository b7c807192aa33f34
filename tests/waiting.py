"""How long tests wait for what must happen: longer than the slowest machine needs."""

from __future__ import annotations

import time
from collections.abc import Callable

GIVE_UP_S = 900.0
"""No test passes or fails by its speed: this only ends a test of which nothing comes any more."""


def wait_until(happened: Callable[[], bool], *, every_s: float = 0.05, what: str = "") -> None:
    """Ask until something has happened."""
    give_up_at = time.monotonic() + GIVE_UP_S
    while not happened():
        assert time.monotonic() < give_up_at, f"this did not happen: {what or happened}"
        time.sleep(every_s)
