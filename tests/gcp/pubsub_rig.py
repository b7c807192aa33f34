"""A topic with its subscription and its dead letters, for one test, on a test server."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sightline.gcp.pubsub import PubSubPlace, PubSubPublisher, PubSubSubscription, PullRule
from sightline.gcp.pubsub.clients import publisher_client, subscriber_client
from sightline.ports import Delivery

BACKSTOP_ATTEMPTS = 5
"""The minimum that Pub/Sub accepts."""
ACK_DEADLINE_S = 30
RULE = PullRule(wait_s=0.4, backstop_attempts=BACKSTOP_ATTEMPTS)


async def lay_out(endpoint: str) -> PubSubPlace:
    """Create topics and subscriptions in a new project."""
    place = PubSubPlace(
        f"project-{uuid.uuid4().hex[:12]}", "work", "workers", "dead-letters", endpoint
    )
    dead_topic = f"projects/{place.project}/topics/dead-letters"
    async with publisher_client(place) as client:
        for name in (place.topic_path, dead_topic):
            await client.create_topic(request={"name": name})
    async with subscriber_client(place) as subscriber:
        await subscriber.create_subscription(
            request={
                "name": place.subscription_path,
                "topic": place.topic_path,
                "ack_deadline_seconds": ACK_DEADLINE_S,
                "dead_letter_policy": {
                    "dead_letter_topic": dead_topic,
                    "max_delivery_attempts": BACKSTOP_ATTEMPTS,
                },
            }
        )
        await subscriber.create_subscription(
            request={
                "name": place.dead_letter_path,
                "topic": dead_topic,
                "ack_deadline_seconds": ACK_DEADLINE_S,
            }
        )
    return place


@asynccontextmanager
async def open_queue(
    place: PubSubPlace, rule: PullRule = RULE
) -> AsyncIterator[tuple[PubSubPublisher, PubSubSubscription]]:
    """Open both ends of a queue."""
    async with (
        PubSubPublisher.open(place) as publisher,
        PubSubSubscription.open(place, rule=rule) as subscription,
    ):
        yield publisher, subscription


class FastForward:
    """A subscription with a simulated clock, for a server whose clock cannot be moved.

    Every lease is requested for ten minutes, and nacked once ``advance`` has passed the end of the
    lease that the test wanted: the server treats an expired lease and a nack alike. No test waits,
    and none depends on the speed of the machine.
    """

    LONG_S = 600.0

    def __init__(self, subscription: PubSubSubscription, backstop_lease_s: float) -> None:
        self._subscription = subscription
        self._backstop_lease_s = backstop_lease_s
        self._now_s = 0.0
        self._ends: dict[str, float] = {}

    def advance(self, seconds: float) -> None:
        """Advance the simulated clock."""
        self._now_s += seconds

    async def pull(self, max_messages: int, *, lease_s: float) -> Sequence[Delivery]:
        await self._expire()
        deliveries = await self._subscription.pull(max_messages, lease_s=self.LONG_S)
        return self._hold(deliveries, lease_s)

    async def extend(self, lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:
        self._ends.update(dict.fromkeys(lease_ids, self._now_s + lease_s))
        return await self._subscription.extend(lease_ids, lease_s=self.LONG_S)

    async def ack(self, lease_ids: Sequence[str]) -> None:
        self._forget(lease_ids)
        await self._subscription.ack(lease_ids)

    async def nack(self, lease_ids: Sequence[str], *, delay_s: float = 0.0) -> None:
        self._forget(lease_ids)
        await self._subscription.nack(lease_ids, delay_s=self.LONG_S if delay_s else 0.0)
        if delay_s:
            self._ends.update(dict.fromkeys(lease_ids, self._now_s + delay_s))

    async def collect_backstop(self, max_messages: int) -> Sequence[Delivery]:
        await self._expire()
        deliveries = await self._subscription.collect_backstop(max_messages)
        return self._hold(deliveries, self._backstop_lease_s)

    def _hold(self, deliveries: Sequence[Delivery], lease_s: float) -> Sequence[Delivery]:
        self._ends.update((delivery.lease_id, self._now_s + lease_s) for delivery in deliveries)
        return deliveries

    def _forget(self, lease_ids: Sequence[str]) -> None:
        for lease_id in lease_ids:
            self._ends.pop(lease_id, None)

    async def _expire(self) -> None:
        over = [lease_id for lease_id, end in self._ends.items() if end <= self._now_s]
        self._forget(over)
        await self._subscription.nack(over)
