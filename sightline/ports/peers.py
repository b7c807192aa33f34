"""Workers that see each other: how many share a model's quota, and how fast they send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PeerRates:
    """Who sends to one model now: ``workers`` with the one that looks, and their mean rate."""

    workers: int
    mean_per_s: float


class Peers(Protocol):
    """Where workers report at which rate they send, and see what the others report.

    Each kind of call (classify, embed) has a model, and so a quota, of its own.
    """

    @property
    def seen(self) -> bool:
        """Whether workers see each other here; if not, nobody knows how many share a quota."""
        ...

    @property
    def every_s(self) -> float:
        """How often a worker reports; it is forgotten after three times as long."""
        ...

    async def report(self, worker_id: str, rates: Mapping[str, float]) -> Mapping[str, PeerRates]:
        """Report this worker's calls per second of each kind; return what all report."""
        ...

    async def leave(self, worker_id: str) -> None:
        """The worker sends nothing any more."""
        ...


class UnseenPeers:
    """``Peers`` where workers do not see each other."""

    seen = False
    every_s = inf

    async def report(
        self,
        worker_id: str,  # noqa: ARG002 - nobody reads it
        rates: Mapping[str, float],  # noqa: ARG002
    ) -> Mapping[str, PeerRates]:
        """Report to nobody; nothing is known."""
        return {}

    async def leave(self, worker_id: str) -> None:
        """Nobody knew of it."""
