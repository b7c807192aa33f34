"""The interface of a limiter: it grants permits for calls, and learns from their outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from sightline.ports import PeerRates, QuotaBelief


class Outcome(Enum):
    """The outcome of a call, as far as it concerns a limiter."""

    SUCCEEDED = "succeeded"
    THROTTLED = "throttled"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Sample:
    """A finished call. ``retry_after_s`` is the delay that a refusal requested, if any."""

    outcome: Outcome
    latency_s: float
    retry_after_s: float | None = None


class LimiterState(Enum):
    """The phase of a limiter."""

    FIXED = "fixed"
    SLOW_START = "slow_start"
    STEADY = "steady"
    PAUSED = "paused"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class LimiterSnapshot:
    """The state of a limiter at one moment.

    Shares are of the last minute's calls; without a ceiling it is ``inf``. ``belief`` describes the
    belief about the quota, if there is one.
    """

    state: LimiterState
    rate_per_s: float
    in_flight: int
    cap: int
    share_refused: float
    usual_share_refused: float
    belief: str = ""


class Limiter(Protocol):
    """Grants permits in order; each permit is returned with the sample of its call."""

    async def acquire(self) -> None:
        """Wait for a permit. A cancelled wait takes none."""
        ...

    def release(self, sample: Sample) -> None:
        """Return the permit, and learn from the call."""
        ...

    def hear_peers(self, peers: PeerRates) -> None:
        """Record the reports of the other senders to the model."""
        ...

    def believed(self) -> QuotaBelief | None:
        """Return the belief to share with others, once the quota is found."""
        ...

    def snapshot(self) -> LimiterSnapshot:
        """Return the current state; only for the event loop's thread."""
        ...
