"""Google Cloud's adapters: a Pub/Sub topic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sightline.settings import Settings
from sightline.wiring.credentials import google_tokens
from sightline.wiring.parts import QueuePorts
from sightline.wiring.places import pubsub_place


@asynccontextmanager
async def open_pubsub(settings: Settings) -> AsyncIterator[QueuePorts]:
    """Open the topic and its subscription; nothing is asked yet.

    Raises:
        ConfigurationError: no project is set, or there are no credentials.
    """
    from sightline.gcp.pubsub import PubSubPublisher, PubSubSubscription, PullRule

    place = pubsub_place(settings)
    credentials = await _credentials(settings, emulated=place.endpoint is not None)
    rule = PullRule(backstop_attempts=settings.queue.backstop_attempts)
    async with (
        PubSubPublisher.open(place, credentials=credentials) as publisher,
        PubSubSubscription.open(place, rule=rule, credentials=credentials) as subscription,
    ):
        yield QueuePorts(publisher, subscription, subscription, None)


async def _credentials(settings: Settings, *, emulated: bool) -> object:
    """Return google-auth's credentials, or nothing for an emulator."""
    if emulated:
        return None
    return (await asyncio.to_thread(google_tokens, settings)).credentials
