"""The quota: a token bucket, or a counter per window, whose rate follows a schedule. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, inf, isfinite
from operator import attrgetter

BURST_S = 1.0
"""The size of a full bucket, in seconds of the rate (but never less than one call)."""


@dataclass(frozen=True, slots=True)
class RateStep:
    """From ``at_s`` seconds after the schedule's start, ``rate_per_s`` calls are admitted.

    A rate of ``None`` means no quota; a rate of 0 admits no call.
    """

    at_s: float
    rate_per_s: float | None


_AT_S = attrgetter("at_s")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rate that changes at set times; before the first step, the first step's rate applies.

    With a ``window_s`` there is no bucket: each window of that many seconds admits the calls that
    the rate allows in it, without pacing, and then none until the next window. Quotas "per minute"
    work like this (``window_s`` 60).
    """

    steps: tuple[RateStep, ...] = (RateStep(0.0, None),)
    burst_s: float = BURST_S
    window_s: float | None = None

    @classmethod
    def constant(
        cls, rate_per_s: float | None, *, burst_s: float = BURST_S, window_s: float | None = None
    ) -> Schedule:
        """Return the schedule of a rate that never changes."""
        return cls((RateStep(0.0, rate_per_s),), burst_s, window_s)

    @classmethod
    def of(
        cls, steps: Sequence[RateStep], *, burst_s: float = BURST_S, window_s: float | None = None
    ) -> Schedule:
        """Return the schedule of these steps.

        Raises:
            ValueError: there are no steps, they are out of order, or a number is negative.
        """
        if not steps:
            raise ValueError("a schedule needs a step; give [{at_s: 0, rate_per_s: 50}]")
        if not (isfinite(burst_s) and burst_s >= 0):
            raise ValueError(f"burst_s = {burst_s} is not accepted; give 0 or more")
        if window_s is not None and not (isfinite(window_s) and window_s > 0):
            raise ValueError(f"window_s = {window_s} is not accepted; give seconds, or null")
        previous_s = -inf
        for step in steps:
            if not (isfinite(step.at_s) and step.at_s >= max(previous_s, 0.0)):
                raise ValueError(f"at_s = {step.at_s} is out of order; give rising times from 0 on")
            rate = step.rate_per_s
            if rate is not None and not (isfinite(rate) and rate >= 0):
                raise ValueError(f"rate_per_s = {rate}: give 0 or more, or null for none")
            previous_s = step.at_s
        return cls(tuple(steps), burst_s, window_s)

    def rate_at(self, elapsed_s: float) -> float | None:
        """Return the rate at this time after the start."""
        return self.steps[max(self._after(elapsed_s) - 1, 0)].rate_per_s

    def next_change_s(self, elapsed_s: float) -> float:
        """Return when the rate changes next, in seconds after the start; ``inf`` for never."""
        place = self._after(elapsed_s)
        return self.steps[place].at_s if place < len(self.steps) else inf

    def _after(self, elapsed_s: float) -> int:
        return bisect_right(self.steps, elapsed_s, key=_AT_S)


class Quota:
    """Admits calls at a schedule's rate; starts with a full bucket, or at the start of a window."""

    def __init__(self, schedule: Schedule, *, now_s: float) -> None:
        self.schedule = schedule
        self._started_s = now_s
        self._filled_s = now_s
        self._tokens = self._capacity(schedule.rate_at(0.0))
        self._window = 0
        self._admitted = 0

    def admit(self, now_s: float) -> bool:
        """Take a token for a call at this time; return whether one was available."""
        self._fill(now_s)
        if self.rate_per_s(now_s) is None:
            return True
        if self.schedule.window_s is not None:
            return self._count(now_s, self.schedule.window_s)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def rate_per_s(self, now_s: float) -> float | None:
        """Return the present rate; ``None`` means no quota."""
        return self.schedule.rate_at(now_s - self._started_s)

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until a token is available, at the present rate (at most an hour)."""
        rate = self.rate_per_s(now_s)
        if rate is not None and (window_s := self.schedule.window_s) is not None:
            left_s = window_s - (now_s - self._started_s) % window_s
            return min(left_s, 3600.0) if self._used_up(rate, now_s, window_s) else 0.0
        if rate is None or self._tokens >= 1.0:
            return 0.0
        return min((1.0 - self._tokens) / rate, 3600.0) if rate > 0 else 3600.0

    def _count(self, now_s: float, window_s: float) -> bool:
        rate = self.rate_per_s(now_s)
        if rate is None or self._used_up(rate, now_s, window_s):
            return rate is None
        self._admitted += 1
        return True

    def _used_up(self, rate: float, now_s: float, window_s: float) -> bool:
        window = floor((now_s - self._started_s) / window_s)
        if window != self._window:
            self._window, self._admitted = window, 0
        return self._admitted + 1 > rate * window_s

    def _fill(self, now_s: float) -> None:
        """Add the tokens of each rate for the time during which it applied."""
        while self._filled_s < now_s:
            elapsed_s = self._filled_s - self._started_s
            rate = self.schedule.rate_at(elapsed_s)
            until_s = min(self._started_s + self.schedule.next_change_s(elapsed_s), now_s)
            capacity = self._capacity(rate)
            gained = inf if rate is None else rate * (until_s - self._filled_s)
            self._tokens = min(capacity, self._tokens + gained)
            self._filled_s = until_s
        self._tokens = min(self._tokens, self._capacity(self.rate_per_s(now_s)))

    def _capacity(self, rate: float | None) -> float:
        return inf if rate is None else max(1.0, rate * self.schedule.burst_s)
