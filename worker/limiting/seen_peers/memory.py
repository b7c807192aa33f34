"""What was believed of the quota before this worker began: how far it is trusted, and its check.

It is checked by the first calls. If none is refused, the rate doubles, since the quota may have
risen; when that is refused at once, the quota is where it was.
"""

from __future__ import annotations

from math import inf

HALF_TRUSTED_S = 3600.0
"""What is remembered counts for half after this time."""

FRESH = 0.9
"""What is remembered with so much trust is gone on with as if it had just been found."""

CHECK_CALLS, CHECK_S = 8, 10.0
"""So many calls at what is remembered check it, or so long."""

NEAR = 2.5
"""The rate may double so far, on what the quota's bucket holds, before it is refused."""


class Memory:
    """``unchecked_s`` is the age of what is remembered, until own calls said more."""

    def __init__(self, age_s: float | None = None, rate_per_s: float = 0.0) -> None:
        self.recalled = age_s is not None
        self.unchecked_s = age_s
        self.trust = 0.0 if age_s is None else 0.5 ** (age_s / HALF_TRUSTED_S)
        self._rate_per_s = rate_per_s
        self._calls = 0
        self._ends_s: float | None = inf if self.fresh else None

    @property
    def fresh(self) -> bool:
        """Whether it is gone on with."""
        return self.trust >= FRESH

    def checked(self, now_s: float) -> bool:
        """Count a call; return whether it is the one that ends the check."""
        if self._ends_s is None or self.unchecked_s is None:
            return False
        self._calls += 1
        if self._calls == 1:
            self._ends_s = now_s + CHECK_S
        ends = self._calls >= CHECK_CALLS or now_s >= self._ends_s
        if ends:
            self._ends_s = None
        return ends

    def confirmed(self, refused_per_s: float) -> float | None:
        """Return what is remembered, if that this rate was refused confirms it."""
        near = refused_per_s <= NEAR * self._rate_per_s
        return self._rate_per_s if near and self.fresh and self.unchecked_s is not None else None

    def done(self) -> None:
        """Own calls said more."""
        self.unchecked_s = None
