"""SIGTERM and SIGINT ask for an orderly stop, from the first moment on; a second one kills."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

log = logging.getLogger(__name__)

NUMBERS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Set by the first signal. Must be made in a running event loop of the main thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked = False
        self._stop: Callable[[], None] | None = None
        for number in NUMBERS:
            self._loop.add_signal_handler(number, self._on_signal, number)

    def then(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` at the signal, or at once when it has come already."""
        self._stop = stop
        if self._asked:
            stop()

    def _on_signal(self, number: signal.Signals) -> None:
        log.info("%s: draining; a second one ends at once", number.name)
        self._asked = True
        for one in NUMBERS:
            self._loop.remove_signal_handler(one)
            signal.signal(one, signal.SIG_DFL)
        if self._stop is not None:
            self._stop()
