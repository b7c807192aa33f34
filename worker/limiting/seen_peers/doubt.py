"""Decides whether refusals that continue after a cut come from the rate, or are random.

First, their share is measured at one rate. If the quota is the cause, it equals the accepted rate,
so the rate is set slightly below that. If the share of refusals stays the same, the rate was not
the cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf, sqrt

MEASURED_CALLS, MEASURED_REFUSALS, LEAST_CALLS = 12, 4, 6
MEASURED_S = 0.2
"""The share is known after this many calls, at a high rate after this time, or after this many
refusals and calls.
"""

FEW_REFUSALS = 1.5
"""Fewer refusals beyond the usual are ignored."""

TOO_MANY = 0.7
"""Only the rate can cause a higher share."""

LESS = 0.85
"""The rate of the trial, relative to the accepted rate."""

TRIED_CALLS, TRIED_REFUSALS, MOST_CALLS = 8, 3.0, 150
"""The trial lasts at least this many calls, or until this many refusals are expected."""

SAME, FEWER, CHANCE = 0.65, 0.3, 1.0
"""This share of the expected refusals speaks for chance, or against it."""

AGAIN, HALF = 3.0, 0.5
"""A share in between extends the trial up to this many times; then the nearer explanation wins.

Where calls are rare, the rate wins: in a bucket of one call, even a rate slightly too high has
every other call refused.
"""

RARE_PER_S = 1.0
"""Calls are rare below this rate, per second."""


class Judgement(Enum):
    """What is known about the refusals, and what to do next."""

    OPEN = "open"
    CALM = "calm"
    FAR_OVER = "far over"
    TRY = "try"
    QUOTA = "quota"
    AT_RANDOM = "at random"
    UNCLEAR = "unclear"


@dataclass(slots=True)
class Doubt:
    """Refusals at ``rate_per_s`` since ``begin_s``, of which the share ``usual`` is known.

    ``back_per_s`` is the rate to return to if they are random, ``doubling`` whether it was
    doubling.
    """

    begin_s: float
    rate_per_s: float
    usual: float
    back_per_s: float
    doubling: bool
    share: float = 0.0
    measured: tuple[int, int] = (0, 0)
    tried_from_s: float = inf
    in_lulls: bool = False

    @property
    def trying(self) -> bool:
        """Whether the trial of the lower rate is in progress, or about to begin."""
        return self.tried_from_s < inf

    @property
    def _rare(self) -> bool:
        return self.rate_per_s < RARE_PER_S

    def quota_per_s(self) -> float:
        """Return the quota, assuming that it is the cause: the accepted rate.

        Where calls are rare, the bucket may hold one call: a rate slightly too high has every other
        call refused, so the quota may be higher than the accepted rate.
        """
        through = (1.0 - self.share) / (1.0 - self.usual)
        if self._rare:
            through = sqrt(through)
        return self.rate_per_s * through

    def tried_per_s(self) -> float:
        """Return the trial's rate: slightly less than the accepted rate."""
        return LESS * self.quota_per_s()

    def measure_again(self, now_s: float, rate_per_s: float) -> None:
        """Start again, at this rate."""
        self.begin_s, self.rate_per_s, self.tried_from_s = now_s, rate_per_s, inf

    def measure(self, calls: int, refused: int) -> Judgement:
        """Evaluate the calls since ``begin_s``."""
        enough = calls >= max(MEASURED_CALLS, MEASURED_S * self.rate_per_s)
        if not enough and (refused < MEASURED_REFUSALS or calls < LEAST_CALLS):
            return Judgement.OPEN
        if (
            not enough and not self._rare
        ):  # a count that ends with a refusal has one too many (Haldane)
            calls, refused = calls - 1, refused - 1
        self.measured = (calls, refused)
        self.share = refused / calls
        if self.share > TOO_MANY:
            self.share = min(self.share, (refused - 0.5) / calls)
            return Judgement.FAR_OVER
        if refused - self.usual * calls < FEW_REFUSALS:
            return Judgement.CALM
        return Judgement.TRY

    def weigh(self, calls: int, refused: int) -> Judgement:
        """Evaluate the calls of the trial."""
        due = self.share - self.usual
        needed = min(max(TRIED_CALLS, TRIED_REFUSALS / due), MOST_CALLS)
        excess = refused - self.usual * calls
        if excess > CHANCE + SAME * due * calls:
            return Judgement.AT_RANDOM
        if calls < needed:
            return Judgement.OPEN
        if excess <= FEWER * due * calls:
            return Judgement.QUOTA
        return self._between(calls / needed, excess / (due * calls))

    def _between(self, lasted: float, share: float) -> Judgement:
        """Judge a share of the expected refusals after this time."""
        if share >= SAME:
            return Judgement.AT_RANDOM
        if self._rare:
            return Judgement.UNCLEAR
        if lasted < AGAIN:
            return Judgement.OPEN
        return Judgement.AT_RANDOM if share > HALF else Judgement.UNCLEAR
