"""Receives the outcome of each call to a model: the interface that telemetry implements."""

from __future__ import annotations

from typing import Protocol

from sightline.model import Usage


class CallMeter(Protocol):
    """Receives every call to one model, in the event loop, so each method must take microseconds.

    Without a meter, calls have no such overhead.
    """

    def answered(self, usage: Usage, latency_s: float) -> None:
        """Record a call that was answered, and its usage."""
        ...

    def failed(self, error: BaseException, latency_s: float) -> None:
        """Record a call that was refused, failed or interrupted, with its error."""
        ...
