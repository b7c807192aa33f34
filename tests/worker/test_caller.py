"""What a limiter hears of how calls end."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from math import inf

import pytest

from sightline.errors import PermanentError, Reason, ThrottledError, TransientError
from sightline.model import Usage
from sightline.ports import Classification, PeerRates
from worker.calls.caller import Caller, GaveUpError, NotWantedError
from worker.calls.retry import Backoff, RetryBudget, RetryPolicy
from worker.limiting import LimiterSnapshot, LimiterState, Outcome, Sample
from worker.progress import Progress


@dataclass
class Listener:
    """A limiter that lets every call through and writes down how it ended."""

    samples: list[Sample] = field(default_factory=list)

    async def acquire(self) -> None:
        return None

    def release(self, sample: Sample) -> None:
        self.samples.append(sample)

    def hear_peers(self, peers: PeerRates) -> None:
        return None

    def believed(self) -> None:
        return None

    def snapshot(self) -> LimiterSnapshot:
        return LimiterSnapshot(LimiterState.FIXED, inf, 0, 1, 0.0, 0.0)


class Free:
    """Money for any call."""

    async def reserve(self) -> None:
        return None

    def charge(self, cost_usd_micros: int | None) -> None:
        return None


async def outcomes_of(
    *ends: Exception | None, wanted: bool = True
) -> list[tuple[Outcome, float | None]]:
    """Return what a limiter hears of calls that end so, one after the other."""
    listener = Listener()
    caller = Caller(
        listener,
        RetryPolicy(tries=1, deadline_s=60.0, backoff=Backoff(0.0, 0.0)),
        RetryBudget(1.0),
        Progress(),
        timeout_s=60.0,
        monotonic=lambda: 0.0,
        random=lambda: 0.0,
    )
    left = list(ends)

    async def attempt() -> Classification:
        end = left.pop(0)
        if end is not None:
            raise end
        return Classification({}, "STOP", Usage())

    with contextlib.suppress(PermanentError, GaveUpError, NotWantedError):
        await caller.call(attempt, wanted=lambda: wanted, funds=Free())
    return [(sample.outcome, sample.retry_after_s) for sample in listener.samples]


@pytest.mark.parametrize("reason", [Reason.IMAGE_GONE, Reason.BLOCKED_BY_SAFETY])
async def test_a_model_that_will_not_answer_about_one_subject_is_well(reason: Reason) -> None:
    assert await outcomes_of(PermanentError(reason, "no")) == [(Outcome.SUCCEEDED, None)]


async def test_a_refusal_for_the_quota_is_heard_with_the_pause_that_it_asks_for() -> None:
    refusal = ThrottledError("429", retry_after_s=7.0)
    assert await outcomes_of(refusal, None) == [(Outcome.THROTTLED, 7.0), (Outcome.SUCCEEDED, None)]


async def test_what_fails_in_passing_and_what_is_not_wanted_are_told_apart() -> None:
    assert await outcomes_of(TransientError("503")) == [(Outcome.FAILED, None)]
    assert await outcomes_of(None, wanted=False) == [(Outcome.CANCELLED, None)]
