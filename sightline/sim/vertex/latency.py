"""How long answers take: a lognormal distribution with its tail. Pure; randomness is passed in."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

_Z99 = 2.3263478740408408
"""The standard normal deviate that 99 % lie below."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Answers take ``median_s`` in the middle and more than ``p99_s`` once in a hundred times.

    A ``p99_s`` of 0 means no spread. Refusals and errors come back after ``refusal_s``.
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
        """Draw the seconds that one answer takes."""
        if not self.p99_s:
            return self.median_s
        sigma = math.log(self.p99_s / self.median_s) / _Z99
        return dice.lognormvariate(math.log(self.median_s), sigma)
