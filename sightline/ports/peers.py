"""Workers that see each other: how many share a model's quota, and at which rate they send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Protocol

MEMORY_LASTS_S = 24 * 3600.0
"""What workers believed is forgotten after this time."""


@dataclass(frozen=True, slots=True)
class QuotaBelief:
    """What a worker believes of a model's quota: ``rate_per_s`` for all who share it, together.

    ``usual`` is the share of calls that is refused at any rate. Where the quota is counted by the
    minute, one of its minutes began at the Unix time ``minute_began_s``.
    """

    rate_per_s: float
    usual: float = 0.0
    minute_began_s: float | None = None


@dataclass(frozen=True, slots=True)
class PeerReport:
    """At how many calls per second a worker sends, and what it believes once it found the quota."""

    rate_per_s: float
    belief: QuotaBelief | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """The latest belief that anyone reported, also of workers that are gone, and its age in s."""

    belief: QuotaBelief
    age_s: float


@dataclass(frozen=True, slots=True)
class PeerRates:
    """The senders to one model: the number of ``workers`` with this one, and their mean rate."""

    workers: int
    mean_per_s: float
    remembered: Remembered | None = None


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

    async def report(
        self, worker_id: str, reports: Mapping[str, PeerReport]
    ) -> Mapping[str, PeerRates]:
        """Report this worker's calls of each kind; return everybody's reports, with the memory."""
        ...

    async def leave(self, worker_id: str) -> None:
        """Remove this worker's report. Its belief remains for a day."""
        ...


class UnseenPeers:
    """``Peers`` for workers that do not see each other."""

    seen = False
    every_s = inf

    async def report(
        self,
        worker_id: str,  # noqa: ARG002 - not reported to anybody
        reports: Mapping[str, PeerReport],  # noqa: ARG002
    ) -> Mapping[str, PeerRates]:
        """Report nothing; return nothing."""
        return {}

    async def leave(self, worker_id: str) -> None:
        """Do nothing: there is no report to remove."""
