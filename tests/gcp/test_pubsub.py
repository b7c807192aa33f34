"""The Pub/Sub adapters beyond the queue contract, on third-party servers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.pubsub import (
    PubSubPlace,
    PubSubPublisher,
    PubSubSubscription,
    PullRule,
    RetryRule,
)
from sightline.gcp.pubsub.clients import subscriber_client
from sightline.ports import Delivery, Outgoing
from tests.gcp.pubsub_rig import RULE, lay_out, open_queue
from tests.gcp.servers import Pstest
from tests.waiting import GIVE_UP_S

LONG_S = 60.0
ONCE = RetryRule(tries=1)


@pytest.fixture(
    params=[
        pytest.param("pstest", marks=pytest.mark.needs("go")),
        pytest.param("pubsub_emulator", marks=pytest.mark.needs("pubsub-emulator")),
    ]
)
async def place(request: pytest.FixtureRequest) -> PubSubPlace:
    """Return a new queue on either server."""
    return await lay_out(request.getfixturevalue(request.param).endpoint)


@pytest.fixture
async def google_place(request: pytest.FixtureRequest) -> PubSubPlace:
    """Return a new queue on Google's emulator."""
    return await lay_out(request.getfixturevalue("pubsub_emulator").endpoint)


async def pull_many(
    subscription: PubSubSubscription, count: int, *, lease_s: float = 600.0
) -> list[Delivery]:
    """Pull until ``wanted`` messages have arrived."""
    deliveries: list[Delivery] = []
    async with asyncio.timeout(GIVE_UP_S):
        while len(deliveries) < count:
            deliveries += await subscription.pull(count - len(deliveries), lease_s=lease_s)
    return deliveries


async def test_five_thousand_messages_are_sent_in_batches_and_chunks(place: PubSubPlace) -> None:
    names = {f"message-{n}".encode() for n in range(5_000)}
    async with open_queue(place) as (publisher, subscription):
        published = await publisher.publish(
            [Outgoing(name, {"run_id": "r"}) for name in sorted(names)], batch_key="k"
        )
        deliveries = await pull_many(subscription, 5_000)
        assert (published, {delivery.body for delivery in deliveries}) == (5_000, names)
        assert len({delivery.lease_id for delivery in deliveries}) == 5_000
        ids = [delivery.lease_id for delivery in deliveries]
        assert await subscription.extend(ids, lease_s=600) == frozenset()
        await subscription.nack(ids)
        again = await pull_many(subscription, 5_000)
        assert {delivery.attempt for delivery in again} == {2}
        await subscription.ack([delivery.lease_id for delivery in again])
        assert await subscription.pull(1_000, lease_s=30) == []


@pytest.mark.needs("pubsub-emulator")
async def test_messages_of_the_largest_size_are_published_together(
    google_place: PubSubPlace,
) -> None:
    body = bytes(1024 * 1024)  # pstest takes no request beyond 4 MB
    async with open_queue(google_place) as (publisher, subscription):
        assert await publisher.publish([Outgoing(body, {})] * 20, batch_key="k") == 20
        assert {len(delivery.body) for delivery in await pull_many(subscription, 20)} == {len(body)}


async def test_a_missing_topic_is_named(place: PubSubPlace) -> None:
    async with PubSubPublisher.open(replace(place, topic="nothing-here")) as publisher:
        with pytest.raises(
            ConfigurationError, match=r"2 of 2 messages .* no .*nothing-here; create"
        ):
            await publisher.publish([Outgoing(b"x", {})] * 2, batch_key="k")


async def test_a_missing_subscription_is_named(place: PubSubPlace) -> None:
    elsewhere = replace(
        place, subscription="nothing-here", dead_letter_subscription="nothing-there"
    )
    async with PubSubSubscription.open(elsewhere, rule=RULE) as subscription:
        with pytest.raises(ConfigurationError, match=r"no .*nothing-here; create"):
            await subscription.pull(1, lease_s=30)
        with pytest.raises(ConfigurationError, match=r"no .*nothing-there; create"):
            await subscription.collect_backstop(1)


async def test_a_subscription_that_does_not_count_deliveries_is_refused(
    place: PubSubPlace,
) -> None:
    uncounted = replace(place, subscription="uncounted")
    async with subscriber_client(uncounted) as client:
        name = uncounted.subscription_path
        await client.create_subscription(request={"name": name, "topic": place.topic_path})
    async with open_queue(uncounted) as (publisher, subscription):
        await publisher.publish([Outgoing(b"x", {})], batch_key="k")
        with pytest.raises(ConfigurationError, match="does not count deliveries; give it"):
            await pull_many(subscription, 1)


async def test_a_lease_longer_than_pubsub_grants_is_refused(place: PubSubPlace) -> None:
    async with PubSubSubscription.open(place) as subscription:
        with pytest.raises(ConfigurationError, match="accepted: 600 or less"):
            await subscription.pull(1, lease_s=601)


async def test_a_delivery_has_the_age_of_its_message(place: PubSubPlace) -> None:
    async with open_queue(place) as (publisher, subscription):
        await publisher.publish([Outgoing(b"x", {})], batch_key="k")
        (delivery,) = await pull_many(subscription, 1)
    assert delivery.age_s is not None
    assert 0 <= delivery.age_s < GIVE_UP_S


async def test_without_a_dead_letter_subscription_nothing_is_collected(place: PubSubPlace) -> None:
    bare = replace(place, dead_letter_subscription=None)
    async with PubSubSubscription.open(bare, rule=RULE) as subscription:
        assert await subscription.collect_backstop(10) == ()


async def test_an_unreachable_server_is_a_transient_failure() -> None:
    gone = PubSubPlace("any-project", "work", "workers", endpoint="127.0.0.1:1")
    rule = PullRule(wait_s=LONG_S, open_s=LONG_S)
    async with (
        PubSubPublisher.open(gone, retry=ONCE) as publisher,
        PubSubSubscription.open(gone, rule=rule, retry=ONCE) as subscription,
    ):
        with pytest.raises(TransientError, match="1 of 1 messages were not published"):
            await publisher.publish([Outgoing(b"x", {})], batch_key="k")
        with pytest.raises(TransientError, match="try again"):
            await subscription.pull(1, lease_s=30)
        with pytest.raises(TransientError, match="try again"):
            await subscription.ack(["m1:x"])


async def test_buffered_messages_are_nacked_on_closing(place: PubSubPlace) -> None:
    async with open_queue(place) as (publisher, subscription):
        assert await subscription.pull(2, lease_s=600) == []  # a pull for two may stay under way
        await publisher.publish([Outgoing(b"x", {})] * 2, batch_key="k")
        await subscription.ack([delivery.lease_id for delivery in await pull_many(subscription, 1)])
    async with PubSubSubscription.open(place, rule=RULE) as other:
        assert len(await pull_many(other, 1)) == 1


@pytest.mark.needs("pubsub-emulator")
async def test_a_lease_expires_by_the_server_s_own_clock(google_place: PubSubPlace) -> None:
    async with open_queue(google_place) as (publisher, subscription):
        await publisher.publish([Outgoing(b"x", {})], batch_key="k")
        await pull_many(subscription, 1, lease_s=1)
        (again,) = await pull_many(subscription, 1)
        assert again.attempt == 2


@pytest.mark.needs("pubsub-emulator")
async def test_a_delayed_nack_is_delayed_by_the_server(google_place: PubSubPlace) -> None:
    async with open_queue(google_place) as (publisher, subscription):
        await publisher.publish([Outgoing(b"x", {})], batch_key="k")
        deliveries = await pull_many(subscription, 1)
        since_s = time.monotonic()
        await subscription.nack([deliveries[0].lease_id], delay_s=1.5)
        (again,) = await pull_many(subscription, 1)
        assert again.attempt == 2
        assert time.monotonic() - since_s >= 1.5


@pytest.mark.needs("go")
async def test_a_delay_beyond_pubsub_s_limit_is_ten_minutes(pstest: Pstest) -> None:
    async with open_queue(await lay_out(pstest.endpoint)) as (publisher, subscription):
        await publisher.publish([Outgoing(b"x", {})], batch_key="k")
        deliveries = await pull_many(subscription, 1)
        await subscription.nack([deliveries[0].lease_id], delay_s=86_400)
        pstest.advance(590)
        assert await subscription.pull(1, lease_s=30) == []


async def test_pubsub_counts_no_backlog_and_drops_no_message(place: PubSubPlace) -> None:
    async with PubSubSubscription.open(place) as subscription:
        backlog = await subscription.backlog("run-1")
        assert (backlog.ready, backlog.leased, backlog.oldest_age_s) == (None, None, None)
        assert await subscription.purge("run-1") == 0
