"""Pub/Sub keeps the queue contract, on two servers that others wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from sightline.gcp.pubsub import PubSubPublisher, PubSubSubscription, PullRule
from sightline.ports import Subscription
from tests.contracts.queue_suite import QueueContract, QueueRig
from tests.gcp.pubsub_rig import (
    ACK_DEADLINE_S,
    BACKSTOP_ATTEMPTS,
    RULE,
    FastForward,
    lay_out,
    open_queue,
)
from tests.gcp.servers import Pstest, PubSubEmulator

MOST_AT_ONCE_S = 300.0
"""pstest forgets messages that are ten minutes old."""


def rig_of(
    publisher: PubSubPublisher,
    subscription: Subscription,
    backlog: PubSubSubscription,
    advance: Callable[[float], None],
    *,
    ignores_stale_leases: bool,
) -> QueueRig:
    """Return a rig with what Pub/Sub does not promise switched off."""
    return QueueRig(
        publisher,
        subscription,
        backlog,
        advance,
        backstop_attempts=BACKSTOP_ATTEMPTS,
        publishes_once=False,
        counts_exactly=False,
        keeps_order=False,
        ignores_stale_leases=ignores_stale_leases,
    )


@pytest.mark.needs("go")
class TestPstest(QueueContract):
    """The server of Google's Go client, whose clock is moved; its own deadline is the lease."""

    @pytest.fixture
    async def rig(self, pstest: Pstest) -> AsyncIterator[QueueRig]:
        """Yield a new topic and subscription."""

        def advance(seconds: float) -> None:
            pstest.advance(min(seconds, MOST_AT_ONCE_S))

        rule = PullRule(
            wait_s=0.8,  # an empty pull looks twice there, 0.5 s apart
            ack_deadline_s=ACK_DEADLINE_S,
            backstop_attempts=BACKSTOP_ATTEMPTS,
        )
        async with open_queue(await lay_out(pstest.endpoint), rule) as (publisher, subscription):
            # All deliveries of a message have one ack id there, so that a stale one counts.
            yield rig_of(publisher, subscription, subscription, advance, ignores_stale_leases=False)


@pytest.mark.extended
@pytest.mark.needs("pubsub-emulator")
class TestGoogleEmulator(QueueContract):
    """Google's emulator, whose leases end at a word."""

    @pytest.fixture
    async def rig(self, pubsub_emulator: PubSubEmulator) -> AsyncIterator[QueueRig]:
        """Yield a new topic and subscription."""
        place = await lay_out(pubsub_emulator.endpoint)
        async with open_queue(place) as (publisher, subscription):
            fast = FastForward(subscription, RULE.backstop_lease_s)
            yield rig_of(publisher, fast, subscription, fast.advance, ignores_stale_leases=True)
