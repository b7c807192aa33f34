"""How every ``Peers`` behaves in which workers see each other.

An adapter subclasses ``PeersContract`` and supplies a ``rig``: the port as two processes have it,
and ``advance``, which lets the time pass after which a worker is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sightline.ports import PeerRates, Peers


@dataclass(frozen=True, slots=True)
class PeersRig:
    """Where two workers report, and what lets reports grow old."""

    first: Peers
    other: Peers
    advance: Callable[[], None]


class PeersContract:
    """The behaviour of ``Peers`` in which workers see each other."""

    async def test_workers_see_how_many_they_are_and_their_mean_rate(self, rig: PeersRig) -> None:
        assert rig.first.seen
        assert 0.0 < rig.first.every_s <= 60.0
        alone = await rig.first.report("w1", {"classify": 6.0, "embed": 1.0})
        assert alone == {"classify": PeerRates(1, 6.0), "embed": PeerRates(1, 1.0)}
        both = await rig.other.report("w2", {"classify": 2.0})
        assert both == {"classify": PeerRates(2, 4.0), "embed": PeerRates(1, 1.0)}
        assert (await rig.first.report("w1", {"classify": 4.0}))["classify"] == PeerRates(2, 3.0)

    async def test_a_report_replaces_the_one_before(self, rig: PeersRig) -> None:
        await rig.first.report("w1", {"classify": 6.0, "embed": 1.0})
        assert await rig.first.report("w1", {"embed": 2.0}) == {"embed": PeerRates(1, 2.0)}

    async def test_who_sends_nothing_is_not_counted(self, rig: PeersRig) -> None:
        assert await rig.first.report("w1", {}) == {}
        assert await rig.other.report("w2", {"embed": 2.0}) == {"embed": PeerRates(1, 2.0)}

    async def test_who_leaves_is_not_seen_any_more(self, rig: PeersRig) -> None:
        await rig.first.report("w1", {"classify": 6.0})
        await rig.first.leave("w1")
        await rig.first.leave("w1")
        await rig.other.leave("never seen")
        assert await rig.other.report("w2", {"classify": 2.0}) == {"classify": PeerRates(1, 2.0)}

    async def test_who_was_killed_is_forgotten(self, rig: PeersRig) -> None:
        await rig.first.report("killed", {"classify": 6.0})
        rig.advance()
        assert await rig.other.report("w2", {"classify": 2.0}) == {"classify": PeerRates(1, 2.0)}
