"""What a limiter is: it hands out permits for calls, and learns from how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from sightline.ports import PeerRates, QuotaBelief


class Outcome(Enum):
    """How a call ended, as far as a limiter cares."""

    SUCCEEDED = "succeeded"
    THROTTLED = "throttled"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished call. ``retry_after_s`` is what a refusal asked for, if it did."""

    outcome: Outcome
    latency_s: float
    retry_after_s: float | None = None


class LimiterState(Enum):
    """What a limiter is about."""

    FIXED = "fixed"
    SLOW_START = "slow_start"
    STEADY = "steady"
    PAUSED = "paused"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class LimiterSnapshot:
    """A limiter at one moment. Shares are of the last minute's calls; no ceiling is ``inf``.

    ``belief`` says in words what is believed of the quota, where something is.
    """

    state: LimiterState
    rate_per_s: float
    in_flight: int
    cap: int
    share_refused: float
    usual_share_refused: float
    belief: str = ""


class Limiter(Protocol):
    """Hands out permits, in order; every permit is given back with a sample of its call."""

    async def acquire(self) -> None:
        """Wait for a permit. Cancelling the wait takes none."""
        ...

    def release(self, sample: Sample) -> None:
        """Give the permit back, and learn from the call."""
        ...

    def hear_peers(self, peers: PeerRates) -> None:
        """Take note of who else sends to the model."""
        ...

    def believed(self) -> QuotaBelief | None:
        """Return what others may know of the quota, once it was found."""
        ...

    def snapshot(self) -> LimiterSnapshot:
        """Return what the limiter is about at this moment; for the event loop's thread alone."""
        ...
