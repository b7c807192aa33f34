"""A stop is requested once, by a caller or by a signal, and signals are left as they were."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

from worker.stopping.signals import NUMBERS, StopRequest, stopped_by_signals


def test_a_request_calls_what_stops_once_and_also_what_comes_later() -> None:
    stopping, stops = StopRequest(), list[str]()
    stopping.then(lambda: stops.append("early"))
    stopping.request()
    stopping.request()
    assert stops == ["early"]
    stopping.then(lambda: stops.append("late"))
    assert stops == ["early", "late"]


async def test_a_signal_requests_the_stop_and_is_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    stopping, stopped = StopRequest(), asyncio.Event()
    stopping.then(stopped.set)
    with stopped_by_signals(stopping):
        os.kill(os.getpid(), signal.SIGTERM)
        await stopped.wait()
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_in_another_thread_no_signal_is_touched() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    contents = []

    async def work() -> None:
        with stopped_by_signals(StopRequest()):
            contents.append([signal.getsignal(number) for number in NUMBERS])

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    thread.join()
    assert contents == [before]
