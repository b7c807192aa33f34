"""Counts calls per method; stores nothing of a request's content except its labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counters:
    """Calls by outcome, and the tokens and labels of answered calls.

    Every received call is over quota, faulty, rejected (invalid, or without credentials), answered,
    abandoned (the client disconnected before the response), or in flight. A fault inside an answer,
    such as ``safety``, counts as a fault.
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
        """Count a received call."""
        self.received[verb] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def left(self) -> None:
        """Count the end of a call, whatever its outcome."""
        self.in_flight -= 1

    def spent(self, input_tokens: int, output_tokens: int, labels: dict[str, str]) -> None:
        """Count the tokens and labels of an answer."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.labels.update(f"{key}={value}" for key, value in labels.items())

    def clear(self) -> None:
        """Reset the counts, except for calls in flight."""
        for counts in (
            self.received, self.answered, self.over_quota, self.rejected, self.abandoned,
            self.faults, self.labels,
        ):  # fmt: skip
            counts.clear()
        self.input_tokens = self.output_tokens = 0
        self.most_in_flight = self.in_flight

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
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
