"""What a worker tells of itself: calls to a meter, rows by ledger, and the message at hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from sightline.cli.views.work import work_json
from sightline.errors import PermanentError, Reason, ThrottledError, TransientError
from sightline.model import Usage
from sightline.ports import Classification
from sightline.settings import LimitSettings
from tests.worker.world import FakeModels, World
from worker.calls.caller import Caller
from worker.calls.retry import Backoff, RetryBudget, RetryPolicy
from worker.limiting import StaticLimiter
from worker.main import Summary
from worker.messages.handled import HANDLED
from worker.progress import Progress


@dataclass
class Heard:
    """A meter that writes down what it hears."""

    what: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def answered(self, usage: Usage, latency_s: float) -> None:
        self.what.append(f"answered {usage.input_tokens}+{usage.output_tokens}")
        self.seconds.append(latency_s)

    def failed(self, error: BaseException, latency_s: float) -> None:
        self.what.append(type(error).__name__)
        self.seconds.append(latency_s)


class Clock:
    """A clock that a call moves on by as much as the test says."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Free:
    """Money for any call."""

    async def reserve(self) -> None:
        return None

    def charge(self, cost_usd_micros: int | None) -> None:
        return None


def caller(meter: Heard, clock: Clock, timeout_s: float = 60.0) -> Caller:
    return Caller(
        StaticLimiter(LimitSettings(), monotonic=clock),
        RetryPolicy(3, 1e9, Backoff(0.0, 0.0)),
        RetryBudget(0.2),
        Progress(),
        timeout_s=timeout_s,
        monotonic=clock,
        random=lambda: 0.0,
        meter=meter,
    )


def script(clock: Clock, *steps: Exception | None) -> Callable[[], Awaitable[Classification]]:
    left = list(steps)

    async def attempt() -> Classification:
        clock.now_s += 2.0
        error = left.pop(0)
        if error is not None:
            raise error
        return Classification({}, usage=Usage(10, 5, 1))

    return attempt


async def test_a_meter_hears_of_every_try_and_how_long_it_took() -> None:
    meter, clock = Heard(), Clock()
    throttled = ThrottledError("quota", retry_after_s=0.0)
    attempt = script(clock, TransientError("down"), throttled, None)
    await caller(meter, clock).call(attempt, wanted=lambda: True, funds=Free())
    assert meter.what == ["TransientError", "ThrottledError", "answered 10+5"]
    assert meter.seconds == [2.0, 2.0, 2.0]


async def test_a_meter_hears_of_what_fails_for_good_and_of_what_is_broken_off() -> None:
    meter, clock = Heard(), Clock()
    gone = PermanentError(Reason.IMAGE_GONE, "gone")
    with pytest.raises(PermanentError):
        await caller(meter, clock).call(script(clock, gone), wanted=lambda: True, funds=Free())

    async def forever() -> Classification:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    begun = asyncio.Event()
    call = asyncio.create_task(
        caller(meter, clock).call(forever, wanted=lambda: True, funds=Free())
    )
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert meter.what == ["PermanentError", "CancelledError"]


async def test_rows_are_counted_by_ledger_when_they_are_written() -> None:
    async def gone(subject: str) -> None:
        if subject == "o2":
            raise PermanentError(Reason.IMAGE_GONE, "gone")

    world = World(models=FakeModels(on_embed=gone))
    world.put(1, 2, 3)
    await world.runner().run(drain=True)
    assert world.progress.rows == {"classifications": 3, "embeddings": 2, "dead_letters": 1}
    assert work_json(Summary("w", 1.0, world.progress))["rows"] == dict(world.progress.rows)


async def test_what_is_logged_about_a_message_knows_which_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def gone(subject: str) -> None:
        if subject == "o2":
            raise PermanentError(Reason.IMAGE_GONE, "nothing at gs://b/o2")

    about: dict[str, str] = {}

    class Seer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            handled = HANDLED.get()
            if handled is not None:
                about[record.getMessage()] = handled.message_id

    seer = Seer()
    logging.getLogger("worker").addHandler(seer)
    try:
        with caplog.at_level(logging.INFO, "worker"):
            world = World(models=FakeModels(on_embed=gone))
            world.put(1, 2)
            await world.runner().run(drain=True)
    finally:
        logging.getLogger("worker").removeHandler(seer)
    assert about == {"a part failed permanently: image_gone: nothing at gs://b/o2": "m1"}
    assert HANDLED.get() is None
