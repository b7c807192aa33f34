"""Publishes to a topic in batches, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sightline.errors import SightlineError, TransientError
from sightline.gcp.failures import PUBSUB
from sightline.gcp.pubsub.chunks import batches
from sightline.gcp.pubsub.clients import publisher_client
from sightline.gcp.pubsub.place import PubSubPlace
from sightline.gcp.retry import RetryRule
from sightline.ports import Outgoing

if TYPE_CHECKING:
    from google.pubsub_v1.services.publisher import PublisherAsyncClient

BATCHES_IN_FLIGHT = 4


class PubSubPublisher:
    """Implements ``Publisher`` on a Pub/Sub topic; publishes at least once.

    Batches are retried here and nowhere else, since only this class knows which ones failed.
    """

    def __init__(
        self, client: PublisherAsyncClient, place: PubSubPlace, retry: RetryRule, timeout_s: float
    ) -> None:
        self._client = client
        self._topic = place.topic_path
        self._retry = retry
        self._timeout_s = timeout_s
        self._in_flight = asyncio.Semaphore(BATCHES_IN_FLIGHT)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        place: PubSubPlace,
        *,
        credentials: Any = None,
        retry: RetryRule | None = None,
        timeout_s: float = 60.0,
    ) -> AsyncIterator[PubSubPublisher]:
        """Open a publisher; ``timeout_s`` limits each attempt of each batch.

        Raises:
            ConfigurationError: the library is not installed, or there are no credentials.
        """
        async with publisher_client(place, credentials) as client:
            yield cls(client, place, retry or RetryRule(), timeout_s)

    async def publish(self, messages: Sequence[Outgoing], *, batch_key: str) -> int:  # noqa: ARG002
        """Publish all messages; return their number. Pub/Sub does not use ``batch_key``.

        All batches are attempted, even if some fail.

        Raises:
            ConfigurationError: the topic does not exist, or may not be published to.
            TransientError: some batches failed in every attempt; publish all messages again.
        """
        message_batches = list(batches(messages))
        outcomes = await asyncio.gather(
            *map(self._publish_batch, message_batches), return_exceptions=True
        )
        failed = [failure for failure in outcomes if isinstance(failure, BaseException)]
        if failed:
            unpublished = sum(
                len(batch)
                for batch, outcome in zip(message_batches, outcomes, strict=True)
                if isinstance(outcome, BaseException)
            )
            _raise_worst(failed, f"{unpublished} of {len(messages)} messages were not published")
        return len(messages)

    async def _publish_batch(self, batch: Sequence[Outgoing]) -> None:
        async with self._in_flight:
            await self._retry.run(lambda: self._call(batch))

    async def _call(self, batch: Sequence[Outgoing]) -> None:
        from google.pubsub_v1.types import PublishRequest

        request = PublishRequest(topic=self._topic)
        raw = PublishRequest.pb(request)  # ten times as fast to fill as its wrapper
        for message in batch:
            raw.messages.add(data=message.body, attributes=message.attributes)
        with PUBSUB.translated(self._topic):
            await self._client.publish(request=request, retry=None, timeout=self._timeout_s)


def _raise_worst(failed: Sequence[BaseException], summary: str) -> None:
    """Raise a failure that a retry cannot fix if there is one, or else a transient one."""
    worst = min(
        failed,
        key=lambda failure: (
            isinstance(failure, SightlineError),
            isinstance(failure, TransientError),
        ),
    )
    if isinstance(worst, TransientError):
        raise TransientError(f"{summary}: {worst}", retry_after_s=worst.retry_after_s) from worst
    if isinstance(worst, SightlineError):
        raise type(worst)(f"{summary}: {worst}") from worst
    raise worst
