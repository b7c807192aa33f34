"""How every ``Publisher`` with its ``Subscription`` behaves, whatever queue is behind them.

An adapter subclasses ``QueueContract`` and supplies a ``rig``. The suite passes times only through
``rig.advance`` and looks at nothing but the ports, so that a queue with a clock of its own can
take part; what a port leaves open (exactly once publishing, exact counts, order, stale leases) is
tested only where the rig says that the queue has it. A queue that is slow to deliver is pulled
again, so that no test depends on the speed of a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sightline.ports import BacklogReader, Delivery, Outgoing, Publisher, Subscription

LEASE_S = 30.0
PATIENCE = 30
"""Empty pulls in a row before a message that must come is taken for missing."""


@dataclass(frozen=True, slots=True)
class QueueRig:
    """A queue to be tested; ``advance(seconds)`` lets its time pass."""

    publisher: Publisher
    subscription: Subscription
    backlog: BacklogReader
    advance: Callable[[float], None]
    backstop_attempts: int
    publishes_once: bool = True
    counts_exactly: bool = True
    keeps_order: bool = True
    ignores_stale_leases: bool = True
    pulls_before_empty: int = 1


def outgoing(*names: str, run_id: str = "run-1") -> list[Outgoing]:
    """Return one message a name, whose body is the name."""
    return [Outgoing(name.encode(), {"v": "1", "run_id": run_id}) for name in names]


async def pull_all(rig: QueueRig, expected: int = 0) -> list[Delivery]:
    """Pull until the queue stays empty, patiently as long as fewer came than are expected."""
    deliveries: list[Delivery] = []
    empty = 0
    while empty < (rig.pulls_before_empty if len(deliveries) >= expected else PATIENCE):
        batch = await rig.subscription.pull(100, lease_s=LEASE_S)
        deliveries += batch
        empty = 0 if batch else empty + 1
    return deliveries


async def pull_one(rig: QueueRig) -> Delivery:
    """Pull patiently until a message comes."""
    for _ in range(PATIENCE):
        if deliveries := await rig.subscription.pull(1, lease_s=LEASE_S):
            return deliveries[0]
    raise AssertionError("no message came")


async def collect_one(rig: QueueRig) -> Delivery:
    """Collect patiently until a message comes from behind the backstop."""
    for _ in range(PATIENCE):
        if deliveries := await rig.subscription.collect_backstop(10):
            (delivery,) = deliveries
            return delivery
    raise AssertionError("nothing came from behind the backstop")


def bodies(deliveries: Sequence[Delivery]) -> list[str]:
    """Return the names in the bodies, sorted."""
    return sorted(delivery.body.decode() for delivery in deliveries)


def lease_ids(deliveries: Sequence[Delivery]) -> list[str]:
    """Return the ids to settle by."""
    return [delivery.lease_id for delivery in deliveries]


class QueueContract:
    """Subclass it as ``Test…`` with a fixture ``rig``."""

    async def test_what_is_published_is_delivered_with_its_body_and_attributes(
        self, rig: QueueRig
    ) -> None:
        sent = Outgoing(b"\x00\xffbytes", {"v": "1", "run_id": "r", "asset_type": "ÄSSET"})
        assert await rig.publisher.publish([sent], batch_key="a") == 1
        (delivery,) = await pull_all(rig, 1)
        assert (delivery.body, dict(delivery.attributes), delivery.attempt) == (
            sent.body,
            sent.attributes,
            1,
        )

    async def test_a_delivery_tells_how_long_ago_it_was_published(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("a"), batch_key="k")
        age_s = (await pull_one(rig)).age_s
        assert age_s is not None
        assert 0.0 <= age_s < 600.0

    async def test_an_empty_queue_delivers_nothing(self, rig: QueueRig) -> None:
        assert await pull_all(rig) == []

    async def test_an_empty_batch_is_published_as_nothing(self, rig: QueueRig) -> None:
        assert await rig.publisher.publish([], batch_key="a") == 0
        assert await pull_all(rig) == []

    async def test_a_pull_delivers_no_more_than_it_was_asked_for(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("a", "b", "c"), batch_key="a")
        assert len(await rig.subscription.pull(2, lease_s=LEASE_S)) <= 2

    async def test_messages_with_equal_bodies_are_different_messages(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("a", "a"), batch_key="a")
        deliveries = await pull_all(rig, 2)
        assert (
            len({delivery.message_id for delivery in deliveries})
            == len({*lease_ids(deliveries)})
            == 2
        )

    async def test_a_batch_is_published_once_for_its_key(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("a", "b"), batch_key="r/0/0-2")
        again = await rig.publisher.publish(outgoing("a", "b"), batch_key="r/0/0-2")
        if rig.publishes_once:
            assert again == 0
            assert bodies(await pull_all(rig, 2)) == ["a", "b"]
        else:
            assert set(bodies(await pull_all(rig, 4))) == {"a", "b"}

    async def test_a_leased_message_is_delivered_to_nobody_else(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        assert len(await pull_all(rig, 1)) == 1
        rig.advance(LEASE_S / 2)
        assert await pull_all(rig) == []

    async def test_a_lease_that_runs_out_is_delivered_again_with_a_higher_attempt(
        self, rig: QueueRig
    ) -> None:
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        (first,) = await pull_all(rig, 1)
        rig.advance(LEASE_S + 1)
        (second,) = await pull_all(rig, 1)
        assert (second.message_id, second.attempt) == (first.message_id, 2)
        assert second.lease_id != first.lease_id

    async def test_an_acked_message_is_never_delivered_again(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("a", "b"), batch_key="a")
        await rig.subscription.ack(lease_ids(await pull_all(rig, 2)))
        rig.advance(10 * LEASE_S)
        assert await pull_all(rig) == []

    async def test_acking_twice_is_harmless(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        leases = lease_ids(await pull_all(rig, 1))
        await rig.subscription.ack(leases)
        await rig.subscription.ack(leases)
        rig.advance(10 * LEASE_S)
        assert await pull_all(rig) == []

    async def test_an_extended_lease_runs_from_the_moment_of_its_extension(
        self, rig: QueueRig
    ) -> None:
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        leases = lease_ids(await pull_all(rig, 1))
        rig.advance(LEASE_S - 5)
        assert await rig.subscription.extend(leases, lease_s=LEASE_S) == frozenset()
        rig.advance(LEASE_S - 5)
        assert await pull_all(rig) == []
        rig.advance(10)
        assert [delivery.attempt for delivery in await pull_all(rig, 1)] == [2]

    async def test_a_nacked_message_is_delivered_again_with_a_higher_attempt(
        self, rig: QueueRig
    ) -> None:
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        await rig.subscription.nack(lease_ids(await pull_all(rig, 1)))
        assert [delivery.attempt for delivery in await pull_all(rig, 1)] == [2]

    async def test_a_nack_with_a_delay_is_waited_out(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        await rig.subscription.nack(lease_ids(await pull_all(rig, 1)), delay_s=60.0)
        rig.advance(50)
        assert await pull_all(rig) == []
        rig.advance(11)
        assert bodies(await pull_all(rig, 1)) == ["a"]

    async def test_settling_by_a_stale_lease_has_no_effect_on_the_new_one(
        self, rig: QueueRig
    ) -> None:
        if not rig.ignores_stale_leases:
            return
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        stale = lease_ids(await pull_all(rig, 1))
        rig.advance(LEASE_S + 1)
        (current,) = await pull_all(rig, 1)
        await rig.subscription.ack(stale)
        await rig.subscription.nack(stale)
        assert await pull_all(rig) == []
        rig.advance(LEASE_S + 1)
        (again,) = await pull_all(rig, 1)
        assert (again.message_id, again.attempt) == (current.message_id, 3)

    async def test_lease_ids_that_were_never_given_are_ignored(self, rig: QueueRig) -> None:
        strange = ["", "nonsense", "1.", "1.00", "-1.x", "9" * 40 + ".x", "²³.x"]
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        await rig.subscription.ack(strange)
        await rig.subscription.nack(strange)
        assert bodies(await pull_all(rig, 1)) == ["a"]

    async def test_settling_nothing_is_harmless(self, rig: QueueRig) -> None:
        await rig.subscription.ack([])
        await rig.subscription.nack([])
        assert await rig.subscription.extend([], lease_s=LEASE_S) == frozenset()

    async def test_one_message_settled_leaves_the_others_of_its_pull_alone(
        self, rig: QueueRig
    ) -> None:
        await rig.publisher.publish(outgoing("a", "b", "c"), batch_key="a")
        lease_of = {delivery.body: delivery.lease_id for delivery in await pull_all(rig, 3)}
        await rig.subscription.ack([lease_of[b"a"]])
        await rig.subscription.nack([lease_of[b"b"]])
        assert bodies(await pull_all(rig, 1)) == ["b"]
        rig.advance(LEASE_S + 1)
        assert bodies(await pull_all(rig, 2)) == ["b", "c"]

    async def test_fresh_messages_come_before_those_delivered_already(self, rig: QueueRig) -> None:
        if not rig.keeps_order:
            return
        await rig.publisher.publish(outgoing("old-1", "old-2"), batch_key="a")
        await rig.subscription.nack(lease_ids(await pull_all(rig)))
        await rig.publisher.publish(outgoing("new-1", "new-2"), batch_key="b")
        order = [delivery.body.decode() for delivery in await pull_all(rig)]
        assert order == ["new-1", "new-2", "old-1", "old-2"]

    async def test_a_lost_lease_is_named_when_it_is_extended(self, rig: QueueRig) -> None:
        if not rig.counts_exactly:
            return
        await rig.publisher.publish(outgoing("a", "b"), batch_key="a")
        stale = lease_ids(await pull_all(rig))
        rig.advance(LEASE_S + 1)
        current = lease_ids(await pull_all(rig))
        lost_leases = await rig.subscription.extend([*stale, *current, "nonsense"], lease_s=LEASE_S)
        assert lost_leases == {*stale, "nonsense"}

    async def test_what_is_delivered_too_often_goes_behind_the_backstop(
        self, rig: QueueRig
    ) -> None:
        await rig.publisher.publish(outgoing("poison"), batch_key="a")
        for _ in range(rig.backstop_attempts):
            await rig.subscription.nack([(await pull_one(rig)).lease_id])
        assert await pull_all(rig) == []
        given_up = await collect_one(rig)
        assert (given_up.body, given_up.attempt) == (b"poison", rig.backstop_attempts)

    async def test_what_is_collected_and_acked_is_gone(self, rig: QueueRig) -> None:
        await self._give_up(rig)
        await rig.subscription.ack([(await collect_one(rig)).lease_id])
        rig.advance(3600)
        assert await rig.subscription.collect_backstop(10) == []
        assert await pull_all(rig) == []

    async def test_what_is_collected_and_not_acked_is_collected_again(self, rig: QueueRig) -> None:
        await self._give_up(rig)
        first = await collect_one(rig)
        assert await rig.subscription.collect_backstop(10) == []
        rig.advance(3600)
        second = await collect_one(rig)
        assert (second.message_id, second.attempt) == (first.message_id, first.attempt)
        assert await pull_all(rig) == []

    async def test_the_backlog_counts_ready_and_leased_messages(self, rig: QueueRig) -> None:
        if not rig.counts_exactly:
            return
        await rig.publisher.publish(outgoing("a", "b", "c", "d"), batch_key="a")
        rig.advance(7)
        await rig.publisher.publish(outgoing("e", run_id="run-2"), batch_key="b")
        leases = lease_ids(await rig.subscription.pull(3, lease_s=LEASE_S))
        await rig.subscription.nack(leases[:1], delay_s=60)
        await rig.subscription.ack(leases[1:2])
        everything = await rig.backlog.backlog()
        assert (everything.ready, everything.leased, everything.oldest_age_s) == (3, 1, 7)
        one_run = await rig.backlog.backlog("run-1")
        assert (one_run.ready, one_run.leased) == (2, 1)
        nothing = await rig.backlog.backlog("run-3")
        assert (nothing.ready, nothing.leased, nothing.oldest_age_s) == (0, 0, None)

    async def test_a_lease_that_ran_out_counts_as_ready(self, rig: QueueRig) -> None:
        if not rig.counts_exactly:
            return
        await rig.publisher.publish(outgoing("a"), batch_key="a")
        await pull_all(rig)
        rig.advance(LEASE_S + 1)
        backlog = await rig.backlog.backlog()
        assert (backlog.ready, backlog.leased) == (1, 0)

    async def test_a_purge_drops_a_run_and_spares_its_leases_and_other_runs(
        self, rig: QueueRig
    ) -> None:
        if not rig.counts_exactly:
            return
        await rig.publisher.publish(outgoing("held", "waiting", "ready"), batch_key="a")
        await rig.publisher.publish(outgoing("other", run_id="run-2"), batch_key="b")
        leases = lease_ids(await rig.subscription.pull(2, lease_s=LEASE_S))
        await rig.subscription.nack(leases[1:], delay_s=5)
        assert await rig.backlog.purge("run-1") == 2
        rig.advance(LEASE_S + 1)
        assert bodies(await pull_all(rig)) == ["held", "other"]

    async def _give_up(self, rig: QueueRig) -> None:
        await rig.publisher.publish(outgoing("poison"), batch_key="a")
        for _ in range(rig.backstop_attempts):
            await rig.subscription.nack([(await pull_one(rig)).lease_id])
        assert await pull_all(rig) == []
