"""Publishes to a topic, in batches of which several are under way at once."""

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
    """``Publisher`` over a Pub/Sub topic; publishes at least once.

    Only here is it known which batch failed, so only here is a publish tried again: those that
    succeeded are not repeated.
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
        """Open a publisher; ``timeout_s`` bounds each try of each batch.

        Raises:
            ConfigurationError: the library is not installed, or there are no credentials.
        """
        async with publisher_client(place, credentials) as client:
            yield cls(client, place, retry or RetryRule(), timeout_s)

    async def publish(self, messages: Sequence[Outgoing], *, batch_key: str) -> int:  # noqa: ARG002
        """Publish all messages; return how many. The key says nothing to Pub/Sub.

        All batches are tried, whatever becomes of the others.

        Raises:
            ConfigurationError: no topic of this name, or no permission to publish to it.
            TransientError: some batches failed at every try; publish all of them again.
        """
        cut = list(batches(messages))
        outcomes = await asyncio.gather(*map(self._publish_batch, cut), return_exceptions=True)
        failed = [failure for failure in outcomes if isinstance(failure, BaseException)]
        if failed:
            unpublished = sum(
                len(batch)
                for batch, outcome in zip(cut, outcomes, strict=True)
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


def _raise_worst(failed: Sequence[BaseException], what: str) -> None:
    """Raise the failure that trying again does not mend, or else a transient one."""
    worst = min(
        failed,
        key=lambda failure: (
            isinstance(failure, SightlineError),
            isinstance(failure, TransientError),
        ),
    )
    if isinstance(worst, TransientError):
        raise TransientError(f"{what}: {worst}", retry_after_s=worst.retry_after_s) from worst
    if isinstance(worst, SightlineError):
        raise type(worst)(f"{what}: {worst}") from worst
    raise worst
