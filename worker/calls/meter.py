"""Who hears how each call to a model ended: the hook that telemetry is an adapter of."""

from __future__ import annotations

from typing import Protocol

from sightline.model import Usage


class CallMeter(Protocol):
    """Hears of every call to one model, in the event loop, so it may take microseconds only.

    Without one a call costs nothing more.
    """

    def answered(self, usage: Usage, latency_s: float) -> None:
        """Hear of a call that was answered, and what it used."""
        ...

    def failed(self, error: BaseException, latency_s: float) -> None:
        """Hear of a call that was refused, failed or was broken off; the error says which."""
        ...
