"""Opens the GAPIC asyncio clients of Pub/Sub, and closes their channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sightline.gcp.failures import PUBSUB
from sightline.gcp.pubsub.place import PubSubPlace
from sightline.gcp.translation import needed_for

if TYPE_CHECKING:
    from google.pubsub_v1.services.publisher import PublisherAsyncClient
    from google.pubsub_v1.services.subscriber import SubscriberAsyncClient

_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
)


@asynccontextmanager
async def publisher_client(
    place: PubSubPlace, credentials: Any = None
) -> AsyncIterator[PublisherAsyncClient]:
    """Open a client that publishes, with these google-auth credentials or the default ones.

    Raises:
        ConfigurationError: the library is not installed, or there are no credentials.
    """
    library = _library()
    with PUBSUB.translated(place.topic_path):
        transport = _transport(
            library.services.publisher.transports, "Publisher", place, credentials
        )
    try:
        yield library.PublisherAsyncClient(transport=transport)
    finally:
        await transport.close()


@asynccontextmanager
async def subscriber_client(
    place: PubSubPlace, credentials: Any = None
) -> AsyncIterator[SubscriberAsyncClient]:
    """Open a client that pulls; raises as ``publisher_client`` does."""
    library = _library()
    with PUBSUB.translated(place.subscription_path):
        transport = _transport(
            library.services.subscriber.transports, "Subscriber", place, credentials
        )
    try:
        yield library.SubscriberAsyncClient(transport=transport)
    finally:
        await transport.close()


def _library() -> Any:
    with needed_for("Pub/Sub"):
        import google.pubsub_v1  # 0.6 s
        import google.pubsub_v1.services.publisher.transports
        import google.pubsub_v1.services.subscriber.transports
    return google.pubsub_v1


def _transport(transports: Any, service: str, place: PubSubPlace, credentials: Any) -> Any:
    make = getattr(transports, f"{service}GrpcAsyncIOTransport")
    if place.endpoint is None:
        return make(credentials=credentials)
    import grpc.aio

    return make(channel=grpc.aio.insecure_channel(place.endpoint, options=_CHANNEL_OPTIONS))
