"""Sends one call at a time while the quota is blocked, until one succeeds."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

GAP_S = 1.02
LONGEST_GAP_S = 5.0
"""At most one probe per second is sent. A probe refused by a quota that is used up is waste, so
probes become rarer.
"""

WIDEN = 1.5

LONG_S = 60.0
"""A longer requested wait is verified by a probe at this interval, in seconds."""


@dataclass(slots=True)
class Probing:
    """Probes since ``began_s``; ``refused`` is whether refusals or failures caused the block.

    A probe that is neither refused nor answered after ``patience_s`` counts as accepted if refusals
    were the cause, and as lost if failures were.
    """

    began_s: float
    refused: bool
    patience_s: float
    resume_per_s: float
    next_s: float = 0.0
    out_s: float | None = None
    gap_s: float = GAP_S
    longest_gap_s: float = LONGEST_GAP_S
    shut_s: float = 0.0
    check: bool = False

    def __post_init__(self) -> None:
        """The first probe is sent after one gap."""
        self.gap_s = max(GAP_S, 0.5 / self.resume_per_s)
        self.longest_gap_s = max(LONGEST_GAP_S, 2.0 / self.resume_per_s)
        self.next_s = self.began_s + self.gap_s
        self.shut_s = self.began_s

    def wait_long(self, now_s: float) -> None:
        """A refusal requests a long wait: verify it once a minute."""
        self.next_s = now_s + LONG_S
        self.gap_s = self.longest_gap_s = LONG_S

    def went_under(self) -> None:
        """The current probe was refused, or failed."""
        if self.out_s is not None:
            self.shut_s = self.out_s
        self.out_s = None

    def ready_s(self) -> float:
        """Return when the next probe may be sent; ``inf`` while one is in progress."""
        if self.out_s is None:
            return self.next_s
        return inf if self.refused else max(self.next_s, self.out_s + self.patience_s)

    def sent(self, now_s: float) -> None:
        """Record a probe."""
        self.out_s = now_s
        self.next_s = now_s + self.gap_s
        if self.refused:
            self.gap_s = min(self.gap_s * WIDEN, self.longest_gap_s)

    def is_probe(self, sent_s: float) -> bool:
        """Whether a call sent at this time is the current probe."""
        return self.out_s is not None and sent_s >= self.out_s - 1e-6

    def accepted_at_s(self) -> float:
        """Return when the current probe counts as accepted if no refusal arrives."""
        return self.out_s + self.patience_s if self.refused and self.out_s is not None else inf
