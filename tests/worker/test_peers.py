"""Workers that see each other: what a worker reports, and what its limiters hear."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import inf

import pytest

from sightline.errors import StorageError, TransientError
from sightline.ports import PeerRates, PeerReport, QuotaBelief, Remembered, UnseenPeers
from sightline.settings import LimitSettings
from worker.limiting import AdaptiveLimiter, StaticLimiter, limiter_of
from worker.peers import see_peers


class FakePeers:
    """Two workers more, at 3 calls/s each; fails as told."""

    seen = True
    every_s = 0.0

    def __init__(self, *fails: Exception) -> None:
        self.fails = list(fails)
        self.reports: list[Mapping[str, PeerReport]] = []
        self.remembered: Remembered | None = None
        self.left: list[str] = []
        self.reported = asyncio.Event()

    async def report(
        self, worker_id: str, reports: Mapping[str, PeerReport]
    ) -> Mapping[str, PeerRates]:
        self.reports.append(reports)
        if self.fails:
            raise self.fails.pop(0)
        self.reported.set()
        return {
            kind: PeerRates(3, (6.0 + report.rate_per_s) / 3.0, self.remembered)
            for kind, report in reports.items()
        }

    async def leave(self, worker_id: str) -> None:
        self.left.append(worker_id)


async def seen_once(peers: FakePeers, limiter: AdaptiveLimiter | StaticLimiter) -> None:
    watch = asyncio.create_task(see_peers(peers, "w1", {"classify": limiter}))
    await peers.reported.wait()
    await asyncio.sleep(0)
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch


async def test_a_worker_reports_its_rate_and_starts_slower_among_others() -> None:
    peers, limiter = FakePeers(), AdaptiveLimiter(LimitSettings(), seen_peers=True)
    alone = limiter.snapshot().rate_per_s
    await seen_once(peers, limiter)
    assert peers.reports[0] == {"classify": PeerReport(alone)}
    assert limiter.snapshot().rate_per_s == pytest.approx(alone / 3)
    assert peers.left == ["w1"]


async def test_a_worker_starts_from_what_others_knew_and_says_so() -> None:
    peers, limiter = FakePeers(), AdaptiveLimiter(LimitSettings(), seen_peers=True)
    peers.remembered = Remembered(QuotaBelief(30.0), 120.0)
    await seen_once(peers, limiter)
    assert limiter.snapshot().rate_per_s == pytest.approx(9.0, rel=0.1)
    assert "remembered from 2 min ago" in limiter.snapshot().belief
    assert limiter.believed() is None, "before it is checked it is not passed on"


async def test_a_limiter_without_a_ceiling_reports_nothing() -> None:
    peers, limiter = FakePeers(), StaticLimiter(LimitSettings(adaptive=False))
    assert limiter.snapshot().rate_per_s == inf
    await seen_once(peers, limiter)
    assert peers.reports[0] == {}


async def test_who_cannot_look_for_a_moment_looks_again(caplog: pytest.LogCaptureFixture) -> None:
    peers = FakePeers(TransientError("the queue is busy"))
    await seen_once(peers, AdaptiveLimiter(LimitSettings(), seen_peers=True))
    assert len(peers.reports) >= 2
    assert "cannot be read; trying again: the queue is busy" in caplog.text


async def test_a_queue_that_is_broken_ends_the_watch() -> None:
    peers = FakePeers(StorageError("the disk is full"))
    with pytest.raises(StorageError, match="the disk is full"):
        await see_peers(peers, "w1", {})
    assert peers.left == ["w1"]


async def test_where_nobody_is_seen_nothing_is_known() -> None:
    peers = UnseenPeers()
    assert not peers.seen
    assert await peers.report("w1", {"classify": PeerReport(3.0)}) == {}
    await peers.leave("w1")


def test_a_limiter_counts_on_peers_only_where_they_are_seen() -> None:
    limiter = limiter_of(LimitSettings())
    before = limiter.snapshot().rate_per_s
    limiter.hear_peers(PeerRates(9, 1.0))
    assert limiter.snapshot().rate_per_s == before
    assert limiter.believed() is None
    assert StaticLimiter(LimitSettings(adaptive=False)).believed() is None
