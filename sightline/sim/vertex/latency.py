"""The latency of answers: a lognormal distribution with its tail. Pure; randomness is passed in."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

_Z99 = 2.3263478740408408
"""The 99th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The median and the 99th percentile of the latency of answers.

    With a ``p99_s`` of 0, all answers take ``median_s``. Refusals and errors take ``refusal_s``.
    """

    median_s: float = 0.0
    p99_s: float = 0.0
    refusal_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("median_s", "p99_s", "refusal_s"):
            value = getattr(self, name)
            if not 0 <= value <= 3600:
                raise ValueError(f"{name} = {value} is not accepted; give seconds from 0 to 3600")
        if self.p99_s and not 0 < self.median_s <= self.p99_s:
            raise ValueError(f"p99_s = {self.p99_s}: give a median_s above 0 and not above p99_s")

    def answer_s(self, dice: random.Random) -> float:
        """Draw the latency of one answer, in seconds."""
        if not self.p99_s:
            return self.median_s
        sigma = math.log(self.p99_s / self.median_s) / _Z99
        return dice.lognormvariate(math.log(self.median_s), sigma)
