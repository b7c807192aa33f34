"""Refusals that go on after the rate was cut: is it still too high, or are they refused at random?

First their share is measured at one rate. If the quota is the cause, it is what goes through; so
the rate is set a little below that. If as many are refused as before, the rate was not the cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf, sqrt

MEASURED_CALLS, MEASURED_REFUSALS, LEAST_CALLS = 12, 4, 6
MEASURED_S = 0.2
"""The share is known well enough after so many calls, at a high rate after this time, or after so
many refusals and calls."""

FEW_REFUSALS = 1.5
"""Fewer beyond the usual are no reason to doubt."""

TOO_MANY = 0.7
"""A share that is higher has no other cause than the rate."""

LESS = 0.85
"""The rate that is tried, over the one that goes through."""

TRIED_CALLS, TRIED_REFUSALS, MOST_CALLS = 8, 3.0, 150
"""It is tried with so many calls at least, or so many that this number of refusals is due."""

SAME, FEWER, CHANCE = 0.65, 0.3, 1.0
"""Such a share of the refusals that are due by chance speaks for it, or against it."""

AGAIN, HALF = 3.0, 0.5
"""What is in between goes on for so many times as many calls; then the nearer one is true. Where
calls are rare, it is the rate: in a bucket of one call even one that is a little too high has every
other call refused."""

RARE_PER_S = 1.0
"""Calls are rare below this rate."""


class Judgement(Enum):
    """What is known about refusals so far, and what to do next."""

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

    ``back_per_s`` is the rate to return to if they are at random, ``doubling`` whether it grew.
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
        """Whether the lower rate is being tried, or waits for its time."""
        return self.tried_from_s < inf

    @property
    def _rare(self) -> bool:
        return self.rate_per_s < RARE_PER_S

    def quota_per_s(self) -> float:
        """Return what the quota is, if it is the cause: what went through.

        Where calls are rare the bucket may hold but one: a rate that is a little too high has then
        every other call refused, so the quota may be more than went through.
        """
        through = (1.0 - self.share) / (1.0 - self.usual)
        if self._rare:
            through = sqrt(through)
        return self.rate_per_s * through

    def tried_per_s(self) -> float:
        """Return the rate that is tried: a little less than what goes through."""
        return LESS * self.quota_per_s()

    def measure_again(self, now_s: float, rate_per_s: float) -> None:
        """Begin anew, at this rate."""
        self.begin_s, self.rate_per_s, self.tried_from_s = now_s, rate_per_s, inf

    def measure(self, calls: int, refused: int) -> Judgement:
        """Look at the calls since ``begin_s``."""
        enough = calls >= max(MEASURED_CALLS, MEASURED_S * self.rate_per_s)
        if not enough and (refused < MEASURED_REFUSALS or calls < LEAST_CALLS):
            return Judgement.OPEN
        if not enough and not self._rare:  # what ends with a refusal has one too many (Haldane)
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
        """Look at the calls of the trial."""
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
        """Judge so large a share of the refusals that are due by chance, after so long."""
        if share >= SAME:
            return Judgement.AT_RANDOM
        if self._rare:
            return Judgement.UNCLEAR
        if lasted < AGAIN:
            return Judgement.OPEN
        return Judgement.AT_RANDOM if share > HALF else Judgement.UNCLEAR
