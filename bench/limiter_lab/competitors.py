"""What ours is compared with: the loops of tutorials, and the limiters of well-known libraries.

Each follows the published algorithm with its own default constants, over the same interface.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, floor, inf, log10

from bench.limiter_lab.world import Policy
from worker.limiting import Outcome, QuotaFinder, Sample, SharedQuotaFinder

PAUSE_S = 1.0
"""What a simple policy waits after a refusal."""


@dataclass
class Fixed:
    """So many calls at once, and a pause of the one that was refused; 1 is a tutorial's loop."""

    size: int
    _busy: int = 0
    _resting: list[float] = field(default_factory=list)

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until a slot is free."""
        self._resting = [until_s for until_s in self._resting if until_s > now_s + 1e-9]
        if self._busy + len(self._resting) < self.size:
            return 0.0
        return min((until_s - now_s for until_s in self._resting), default=inf)

    def sent(self, now_s: float) -> None:  # noqa: ARG002 - the interface
        """Take a slot."""
        self._busy += 1

    def done(self, now_s: float, sample: Sample) -> None:
        """Free the slot, after a pause where the call was refused or failed."""
        self._busy -= 1
        if sample.outcome is not Outcome.SUCCEEDED:
            self._resting.append(now_s + PAUSE_S)


@dataclass
class Bucket:
    """A rate that somebody guessed, spaced evenly."""

    rate_per_s: float
    _next_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until the next call's turn."""
        return max(self._next_s - now_s, 0.0)

    def sent(self, now_s: float) -> None:
        """Take the turn."""
        self._next_s = max(self._next_s, now_s) + 1.0 / self.rate_per_s

    def done(self, now_s: float, sample: Sample) -> None:
        """Learn nothing."""


@dataclass
class Aimd(Bucket):
    """One more call a second in each second, half after a refusal, at most once a second."""

    rate_per_s: float = 1.0
    _cut_s: float = -inf

    def done(self, now_s: float, sample: Sample) -> None:
        """Grow or halve."""
        if sample.outcome is Outcome.SUCCEEDED:
            self.rate_per_s += 1.0 / self.rate_per_s
        elif now_s - self._cut_s >= 1.0:
            self._cut_s = now_s
            self.rate_per_s = max(0.5, self.rate_per_s / 2)


class Botocore:
    """The adaptive retry mode of AWS's SDK for Python (botocore/retries/adaptive.py).

    It sets no limit before the first refusal; 100 threads call it.
    """

    THREADS = 100

    def __init__(self) -> None:
        self._in_flight = 0
        self._enabled = False
        self._rate = self._tokens = self._capacity = 1.0
        self._filled_s = 0.0
        self._measured = 0.0
        self._count, self._slot_s = 0, 0.0
        self._w_max, self._failed_s = 0.0, 0.0

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until there is a token; without limit before the first refusal."""
        if self._in_flight >= self.THREADS:
            return inf
        if not self._enabled:
            return 0.0
        self._fill(now_s)
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def sent(self, now_s: float) -> None:
        """Take a token."""
        self._in_flight += 1
        if self._enabled:
            self._fill(now_s)
            self._tokens -= 1.0

    def done(self, now_s: float, sample: Sample) -> None:
        """Measure the rate, and move the bucket's by CUBIC."""
        self._in_flight -= 1
        self._measure(now_s)
        if sample.outcome is Outcome.THROTTLED:
            now_rate = min(self._measured, self._rate) if self._enabled else self._measured
            self._w_max, self._failed_s = now_rate, now_s
            rate, self._enabled = 0.7 * now_rate, True
        else:
            k = (self._w_max * 0.3 / 0.4) ** (1 / 3)
            rate = 0.4 * (now_s - self._failed_s - k) ** 3 + self._w_max
        self._fill(now_s)
        rate = min(rate, 2.0 * self._measured)
        self._rate, self._capacity = max(rate, 0.5), max(rate, 1.0)
        self._tokens = min(self._tokens, self._capacity)

    def _measure(self, now_s: float) -> None:
        slot_s = floor(now_s * 2) / 2
        self._count += 1
        if slot_s > self._slot_s:
            self._measured = 0.8 * self._count / (slot_s - self._slot_s) + 0.2 * self._measured
            self._count, self._slot_s = 0, slot_s

    def _fill(self, now_s: float) -> None:
        gained = (now_s - self._filled_s) * self._rate
        self._tokens = min(self._capacity, self._tokens + gained)
        self._filled_s = now_s


@dataclass
class Windowed(ABC):
    """A limit on calls at once; so are Netflix's. A refusal is a drop."""

    limit: float = 20.0
    in_flight: int = 0

    def wait_s(self, now_s: float) -> float:  # noqa: ARG002 - the interface
        """Return 0 while there are fewer calls than the limit."""
        return 0.0 if self.in_flight < int(self.limit) else inf

    def sent(self, now_s: float) -> None:  # noqa: ARG002 - the interface
        """Count the call."""
        self.in_flight += 1

    def done(self, now_s: float, sample: Sample) -> None:  # noqa: ARG002 - the interface
        """Move the limit."""
        dropped = sample.outcome is not Outcome.SUCCEEDED
        self.update(sample.latency_s, self.in_flight, dropped=dropped)
        self.in_flight -= 1

    @abstractmethod
    def update(self, latency_s: float, in_flight: int, *, dropped: bool) -> None:
        """Move the limit by one sample."""


@dataclass
class Vegas(Windowed):
    """Netflix's VegasLimit, its probe of the latency at the middle of its jitter."""

    _least_s: float = 0.0
    _probe: int = 0

    def update(self, latency_s: float, in_flight: int, *, dropped: bool) -> None:
        """Estimate the queue from the latency, and move by its size."""
        self._probe += 1
        if self._probe >= 0.75 * 30 * self.limit:
            self._probe, self._least_s = 0, latency_s
            return
        if self._least_s == 0 or latency_s < self._least_s:
            self._least_s = latency_s
            return
        step = max(1, int(log10(max(int(self.limit), 1))))
        queue = ceil(self.limit * (1 - self._least_s / latency_s))
        if dropped:
            self.limit -= step
        elif in_flight * 2 < self.limit:
            return
        elif queue <= step:
            self.limit += 6 * step
        elif queue < 3 * step:
            self.limit += step
        elif queue > 6 * step:
            self.limit -= step
        self.limit = max(1.0, min(1000.0, self.limit))


@dataclass
class Gradient2(Windowed):
    """Netflix's Gradient2Limit. It ignores refusals."""

    _long_s: float = 0.0
    _count: int = 0

    def update(self, latency_s: float, in_flight: int, *, dropped: bool) -> None:  # noqa: ARG002
        """Move by the ratio of the long-term latency to this one."""
        self._count += 1
        weight = 1 / self._count if self._count <= 10 else 2 / 601
        self._long_s += weight * (latency_s - self._long_s)
        if self._long_s / latency_s > 2:
            self._long_s *= 0.95
        if in_flight < self.limit / 2:
            return
        gradient = max(0.5, min(1.0, 1.5 * self._long_s / latency_s))
        new = 0.8 * self.limit + 0.2 * (self.limit * gradient + 4)
        self.limit = max(20.0, min(200.0, new))


COMPETITORS: dict[str, Callable[[], Policy]] = {
    "a tutorial's loop, one call at a time": lambda: Fixed(1),
    "40 calls at once": lambda: Fixed(40),
    "100 calls at once": lambda: Fixed(100),
    "400 calls at once": lambda: Fixed(400),
    "a fixed 45 calls a second": lambda: Bucket(45.0),
    "AIMD": Aimd,
    "botocore's adaptive mode": Botocore,
    "Netflix's Vegas": Vegas,
    "Netflix's Gradient2": Gradient2,
}


def seen(clock_ahead_s: float = 0.0) -> Policy:
    """Return our limiter of workers that see each other, with a cap that does not bind."""
    return QuotaFinder(1000, clock_ahead_s=clock_ahead_s)


def unseen(clock_ahead_s: float = 0.0) -> Policy:
    """Return our limiter of workers that do not."""
    return SharedQuotaFinder(1000, clock_ahead_s=clock_ahead_s)
