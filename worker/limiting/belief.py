"""A limiter's belief about a quota, in words."""

from __future__ import annotations

from dataclasses import dataclass

PER_MINUTE_BELOW_PER_S = 10.0
"""Slower rates are shown per minute, as in quotas."""

LEAST_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Belief:
    """``usual`` is the share refused at any rate, ``slowed`` why the rate last fell.

    ``remembered_s`` is the age of a belief that was taken over and is not confirmed yet.
    """

    rate_per_s: float
    by_the_minute: bool = False
    workers: int = 1
    usual: float = 0.0
    slowed: str = ""
    remembered_s: float | None = None

    def in_words(self) -> str:
        """Return one line: the belief, and why the rate last fell."""
        slow = self.rate_per_s < PER_MINUTE_BELOW_PER_S
        rate = f"{60 * self.rate_per_s:.3g} a minute" if slow else f"{self.rate_per_s:.3g} a second"
        parts = [f"about {rate}" + (", counted by the minute" if self.by_the_minute else "")]
        if self.workers > 1:
            parts.append(f"{self.workers} workers")
        if self.usual >= LEAST_SHARE:
            parts.append(f"{self.usual:.0%} refused at random")
        if self.remembered_s is not None:
            parts.append(f"remembered from {_age(self.remembered_s)} ago")
        if self.slowed:
            parts.append(f"last slowed down because {self.slowed}")
        return "; ".join(parts)


def _age(seconds: float) -> str:
    """Return an age in a convenient unit."""
    for unit, length_s in (("h", 3600.0), ("min", 60.0)):
        if seconds >= length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} s"
