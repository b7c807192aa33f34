"""A worker says what it cannot reach: after ten seconds, by its host, and again when it is back."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

import pytest

from sightline.errors import (
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from sightline.ports import Classification
from sightline.settings import LimitSettings
from tests.worker.test_telling import Clock, Free
from worker.calls.caller import Caller, GaveUpError
from worker.calls.outages import Outages
from worker.calls.retry import Backoff, RetryBudget, RetryPolicy
from worker.limiting.static import StaticLimiter
from worker.progress import Progress

HOST = "models.example:8000"
DOWN = UnreachableError("the connection to qwen failed (refused); trying again", host=HOST)


class Rig:
    """One caller and the watch on what it cannot reach, by a clock of the test's own."""

    def __init__(self) -> None:
        self.clock, self.lines = Clock(), list[str]()
        self.outages = Outages(self.clock, self.lines.append)
        self.caller = Caller(
            StaticLimiter(LimitSettings(), monotonic=self.clock),
            RetryPolicy(1, 1e9, Backoff(0.0, 0.0)),
            RetryBudget(0.2),
            Progress(),
            timeout_s=60.0,
            monotonic=self.clock,
            random=lambda: 0.0,
            outages=self.outages,
        )

    async def call(self, outcome: Exception | None, *, seconds: float = 0.1) -> None:
        """Make a call that takes so long and ends so; then look, as every second."""

        async def attempt() -> Classification:
            self.clock.now_s += seconds
            if outcome is not None:
                raise outcome
            return Classification({})

        attempts: Callable[[], Awaitable[Classification]] = attempt
        with contextlib.suppress(GaveUpError, PermanentError):
            await self.caller.call(attempts, wanted=lambda: True, funds=Free())
        self.outages.look()

    def wait(self, seconds: float) -> None:
        """Let time pass, and look."""
        self.clock.now_s += seconds
        self.outages.look()


async def test_nothing_is_said_before_ten_seconds() -> None:
    rig = Rig()
    await rig.call(DOWN)
    rig.wait(9.5)
    assert rig.lines == []


async def test_after_ten_seconds_the_host_is_named_once_and_then_each_minute() -> None:
    rig = Rig()
    await rig.call(DOWN)
    rig.wait(10)
    (line,) = rig.lines
    assert line.startswith(f"{HOST} has been out of reach for 10 s")
    assert "sightline doctor" in line
    rig.wait(30)
    assert len(rig.lines) == 1
    rig.wait(30)
    assert len(rig.lines) == 2


async def test_a_connection_that_is_never_made_is_told_when_it_is_given_up() -> None:
    rig = Rig()
    await rig.call(DOWN, seconds=10.0)
    assert len(rig.lines) == 1


@pytest.mark.parametrize(
    "outcome", [None, TransientError("503"), PermanentError(Reason.BLOCKED_BY_SAFETY, "no")]
)
async def test_any_answer_says_that_it_is_reached_again(outcome: Exception | None) -> None:
    rig = Rig()
    await rig.call(DOWN)
    rig.wait(10)
    await rig.call(outcome)
    assert rig.lines[1:] == [f"{HOST} can be reached again"]
    rig.wait(100)
    assert len(rig.lines) == 2


async def test_one_slow_call_among_answers_is_no_outage() -> None:
    rig = Rig()
    rig.clock.now_s = 100.0
    await rig.call(None)
    slow = UnreachableError("no answer in time", host=HOST)
    rig.caller._note_reached(slow, began_s=40.0)
    rig.outages.look()
    assert rig.lines == []


async def test_a_throttle_is_an_answer() -> None:
    rig = Rig()
    await rig.call(DOWN)
    rig.caller._note_reached(ThrottledError("quota"), began_s=0.0)
    rig.wait(20)
    assert rig.lines == []
