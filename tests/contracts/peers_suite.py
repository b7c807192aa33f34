"""How every ``Peers`` behaves in which workers see each other.

An adapter subclasses ``PeersContract`` and supplies a ``rig``: the port as two processes have it,
``advance``, which lets the time pass after which a worker is forgotten, and ``forget``, after which
beliefs are, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sightline.ports import PeerRates, PeerReport, Peers, QuotaBelief, Remembered


def sent(rates: Mapping[str, float], belief: QuotaBelief | None = None) -> Mapping[str, PeerReport]:
    """Return reports of these rates, all with one belief."""
    return {kind: PeerReport(rate, belief) for kind, rate in rates.items()}


def remembered(rates: PeerRates) -> Remembered:
    """Return what is remembered."""
    assert rates.remembered is not None
    return rates.remembered


BELIEF = QuotaBelief(12.5, usual=0.25, minute_began_s=1_800_000_000.5)


@dataclass(frozen=True, slots=True)
class PeersRig:
    """Where two workers report, and what lets reports and beliefs grow old."""

    first: Peers
    other: Peers
    advance: Callable[[], None]
    forget: Callable[[], None]


class PeersContract:
    """The behaviour of ``Peers`` in which workers see each other."""

    async def test_workers_see_how_many_they_are_and_their_mean_rate(self, rig: PeersRig) -> None:
        assert rig.first.seen
        assert 0.0 < rig.first.every_s <= 60.0
        alone = await rig.first.report("w1", sent({"classify": 6.0, "embed": 1.0}))
        assert alone == {"classify": PeerRates(1, 6.0), "embed": PeerRates(1, 1.0)}
        both = await rig.other.report("w2", sent({"classify": 2.0}))
        assert both == {"classify": PeerRates(2, 4.0), "embed": PeerRates(1, 1.0)}
        assert (await rig.first.report("w1", sent({"classify": 4.0})))["classify"] == PeerRates(
            2, 3.0
        )

    async def test_a_report_replaces_the_one_before(self, rig: PeersRig) -> None:
        await rig.first.report("w1", sent({"classify": 6.0, "embed": 1.0}))
        assert await rig.first.report("w1", sent({"embed": 2.0})) == {"embed": PeerRates(1, 2.0)}

    async def test_who_sends_nothing_is_not_counted(self, rig: PeersRig) -> None:
        assert await rig.first.report("w1", sent({})) == {}
        assert await rig.other.report("w2", sent({"embed": 2.0})) == {"embed": PeerRates(1, 2.0)}

    async def test_who_leaves_is_not_seen_any_more(self, rig: PeersRig) -> None:
        await rig.first.report("w1", sent({"classify": 6.0}))
        await rig.first.leave("w1")
        await rig.first.leave("w1")
        await rig.other.leave("never seen")
        assert await rig.other.report("w2", sent({"classify": 2.0})) == {
            "classify": PeerRates(1, 2.0)
        }

    async def test_who_was_killed_is_forgotten(self, rig: PeersRig) -> None:
        await rig.first.report("killed", sent({"classify": 6.0}))
        rig.advance()
        assert await rig.other.report("w2", sent({"classify": 2.0})) == {
            "classify": PeerRates(1, 2.0)
        }

    async def test_what_was_believed_is_remembered_when_the_worker_left(
        self, rig: PeersRig
    ) -> None:
        await rig.first.report("w1", sent({"classify": 6.0}, BELIEF))
        await rig.first.leave("w1")
        rates = await rig.other.report("w2", sent({"classify": 2.0, "embed": 1.0}))
        assert rates["classify"].workers == 1
        assert remembered(rates["classify"]).belief == BELIEF
        assert 0.0 <= remembered(rates["classify"]).age_s < 60.0
        assert rates["embed"] == PeerRates(1, 1.0)

    async def test_what_was_believed_is_remembered_when_the_worker_was_killed(
        self, rig: PeersRig
    ) -> None:
        await rig.first.report("killed", sent({"classify": 6.0}, BELIEF))
        rig.advance()
        rates = await rig.other.report("w2", sent({"classify": 2.0}))
        assert rates["classify"].workers == 1
        assert remembered(rates["classify"]).belief == BELIEF

    async def test_the_latest_belief_counts(self, rig: PeersRig) -> None:
        later = QuotaBelief(3.0)
        await rig.first.report("w1", sent({"classify": 6.0}, BELIEF))
        await rig.other.report("w2", sent({"classify": 2.0}, later))
        rates = await rig.first.report("w3", sent({"classify": 1.0}))
        assert remembered(rates["classify"]).belief == later

    async def test_what_was_believed_long_ago_is_forgotten(self, rig: PeersRig) -> None:
        await rig.first.report("w1", sent({"classify": 6.0}, BELIEF))
        await rig.first.leave("w1")
        rig.forget()
        rates = await rig.other.report("w2", sent({"classify": 2.0}))
        assert rates == {"classify": PeerRates(1, 2.0)}
