"""What the service counted, per method; nothing of a request's content is kept but its labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counters:
    """Calls by what became of them, and the tokens and labels of those that were answered.

    Every call received is over quota, faulty, rejected (not valid, without credentials), answered,
    abandoned (the client left before its time was up), or in flight. A fault inside an answer
    (``safety``, say) counts as a fault.
    """

    received: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    over_quota: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    abandoned: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    def arrived(self, verb: str) -> None:
        """Count a call that came in."""
        self.received[verb] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def left(self) -> None:
        """Count a call that ended, however it did."""
        self.in_flight -= 1

    def spent(self, input_tokens: int, output_tokens: int, labels: dict[str, str]) -> None:
        """Count what an answer used."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.labels.update(f"{key}={value}" for key, value in labels.items())

    def clear(self) -> None:
        """Count from zero; what is in flight stays so."""
        for counts in (
            self.received, self.answered, self.over_quota, self.rejected, self.abandoned,
            self.faults, self.labels,
        ):  # fmt: skip
            counts.clear()
        self.input_tokens = self.output_tokens = 0
        self.most_in_flight = self.in_flight

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "received": dict(self.received),
            "answered": dict(self.answered),
            "over_quota": dict(self.over_quota),
            "rejected": dict(self.rejected),
            "abandoned": dict(self.abandoned),
            "faults": dict(self.faults),
            "labels": dict(self.labels),
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
        }
