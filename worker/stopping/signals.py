"""An orderly stop, requested by a caller or by SIGTERM or SIGINT; a second signal kills."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

NUMBERS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Requested once, from the event loop's thread; later requests have no effect."""

    def __init__(self) -> None:
        self._requested = False
        self._stop: Callable[[], None] | None = None

    def then(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` when the stop is requested, or immediately if it already was."""
        self._stop = stop
        if self._requested:
            stop()

    def request(self) -> None:
        """Request the stop."""
        if self._requested:
            return
        self._requested = True
        if self._stop is not None:
            self._stop()


@contextmanager
def stopped_by_signals(stopping: StopRequest) -> Iterator[None]:
    """Let SIGTERM and SIGINT request the stop within the block.

    Signals belong to the main thread: in another thread's event loop nothing changes, and its owner
    requests the stop. On exit, the previous handlers are restored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in NUMBERS}

    def on_signal(number: signal.Signals) -> None:
        log.info("%s: draining; a second signal ends the process immediately", number.name)
        for handled in NUMBERS:
            loop.remove_signal_handler(handled)
            signal.signal(handled, signal.SIG_DFL)
        stopping.request()

    for number in NUMBERS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in NUMBERS:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number] or signal.SIG_DFL)
