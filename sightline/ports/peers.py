"""Workers that see each other: how many share a model's quota, and at which rate they send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PeerRates:
    """The senders to one model: the number of ``workers`` with this one, and their mean rate."""

    workers: int
    mean_per_s: float


class Peers(Protocol):
    """Where workers report their sending rates, and read those of the others.

    Each kind of call (classify, embed) has its own model, and therefore its own quota.
    """

    @property
    def seen(self) -> bool:
        """Whether workers see each other here; if not, the number that share a quota is unknown."""
        ...

    @property
    def every_s(self) -> float:
        """How often a worker reports, in seconds; a report expires after three times as long."""
        ...

    async def report(self, worker_id: str, rates: Mapping[str, float]) -> Mapping[str, PeerRates]:
        """Report this worker's calls per second of each kind; return everybody's reports."""
        ...

    async def leave(self, worker_id: str) -> None:
        """Remove this worker's report."""
        ...


class UnseenPeers:
    """``Peers`` for workers that do not see each other."""

    seen = False
    every_s = inf

    async def report(
        self,
        worker_id: str,  # noqa: ARG002 - not reported to anybody
        rates: Mapping[str, float],  # noqa: ARG002
    ) -> Mapping[str, PeerRates]:
        """Report nothing; return nothing."""
        return {}

    async def leave(self, worker_id: str) -> None:
        """Do nothing: there is no report to remove."""
