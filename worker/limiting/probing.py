"""While nothing goes through: one call at a time, until one does."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

GAP_S = 1.02
LONGEST_GAP_S = 5.0
"""Between probes: at most one goes in a second. One that a used-up quota refuses counts as waste,
so these get rarer."""

WIDEN = 1.5

LONG_S = 60.0
"""A wait that is longer is checked by a probe so often."""


@dataclass(slots=True)
class Probing:
    """Probes since ``began_s``; ``refused`` says whether refusals were the cause, or failures.

    A probe that is neither refused nor answered after ``patience_s`` was accepted, where refusals
    were the cause, and is lost, where failures were.
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
        """The first probe goes after one gap."""
        self.gap_s = max(GAP_S, 0.5 / self.resume_per_s)
        self.longest_gap_s = max(LONGEST_GAP_S, 2.0 / self.resume_per_s)
        self.next_s = self.began_s + self.gap_s
        self.shut_s = self.began_s

    def wait_long(self, now_s: float) -> None:
        """A refusal asks for a long wait: look once in a minute whether it is true."""
        self.next_s = now_s + LONG_S
        self.gap_s = self.longest_gap_s = LONG_S

    def went_under(self) -> None:
        """The probe that is out was refused, or failed."""
        if self.out_s is not None:
            self.shut_s = self.out_s
        self.out_s = None

    def ready_s(self) -> float:
        """Return when the next probe may go; ``inf`` while one decides."""
        if self.out_s is None:
            return self.next_s
        return inf if self.refused else max(self.next_s, self.out_s + self.patience_s)

    def sent(self, now_s: float) -> None:
        """Note a probe."""
        self.out_s = now_s
        self.next_s = now_s + self.gap_s
        if self.refused:
            self.gap_s = min(self.gap_s * WIDEN, self.longest_gap_s)

    def is_probe(self, sent_s: float) -> bool:
        """Whether a call sent then is the probe that is out."""
        return self.out_s is not None and sent_s >= self.out_s - 1e-6

    def accepted_at_s(self) -> float:
        """Return when the probe that is out counts as accepted for want of a refusal."""
        return self.out_s + self.patience_s if self.refused and self.out_s is not None else inf
