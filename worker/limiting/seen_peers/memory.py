"""An earlier belief about the quota: its trust, and its verification.

The first calls verify it. If none is refused, the rate doubles, since the quota may have risen; if
that is refused immediately, the quota is unchanged.
"""

from __future__ import annotations

from math import inf

HALF_TRUSTED_S = 3600.0
"""The trust in a belief halves in this time, in seconds."""

FRESH = 0.9
"""A belief with this much trust is continued as if it had just been found."""

CHECK_CALLS, CHECK_S = 8, 10.0
"""The calls, or the time, at the remembered rate that verify it."""

NEAR = 2.5
"""How far the rate may double, on the content of the quota's bucket, before it is refused."""


class Memory:
    """``unchecked_s`` is the belief's age until this worker's own calls say more."""

    def __init__(self, age_s: float | None = None, rate_per_s: float = 0.0) -> None:
        self.recalled = age_s is not None
        self.unchecked_s = age_s
        self.trust = 0.0 if age_s is None else 0.5 ** (age_s / HALF_TRUSTED_S)
        self._rate_per_s = rate_per_s
        self._calls = 0
        self._ends_s: float | None = inf if self.fresh else None

    @property
    def fresh(self) -> bool:
        """Whether the belief is continued."""
        return self.trust >= FRESH

    def checked(self, now_s: float) -> bool:
        """Count a call; return whether it ends the verification."""
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
        """Return the remembered belief if the refusal of this rate confirms it."""
        near = refused_per_s <= NEAR * self._rate_per_s
        return self._rate_per_s if near and self.fresh and self.unchecked_s is not None else None

    def done(self) -> None:
        """This worker's own calls said more."""
        self.unchecked_s = None
