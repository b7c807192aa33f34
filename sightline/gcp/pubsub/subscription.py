"""Leases messages from a subscription with unary pulls, and settles them in batches."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigurationError, SightlineError
from sightline.gcp.failures import PUBSUB, PUBSUB_SEEN
from sightline.gcp.pubsub.chunks import MOST_MESSAGES, ack_chunks
from sightline.gcp.pubsub.clients import subscriber_client
from sightline.gcp.pubsub.place import PubSubPlace
from sightline.gcp.pubsub.pull_buffer import PullBuffer
from sightline.gcp.retry import RetryRule
from sightline.gcp.translation import GoogleService
from sightline.ports import Backlog, Delivery

if TYPE_CHECKING:
    from google.pubsub_v1.services.subscriber import SubscriberAsyncClient

log = logging.getLogger(__name__)

MAX_ACK_DEADLINE_S = 600
"""The longest lease that Pub/Sub grants at a time, and so the longest delay of a nack."""

_SOURCE = "CloudPubSubDeadLetterSource"
"""The prefix of the attributes that Pub/Sub adds to a dead letter."""
_LEASE_ID = re.compile(r"([ma])[0-9]+:(.+)", re.DOTALL)
_MAIN, _DEAD_LETTERS = "ma"


@dataclass(frozen=True, slots=True)
class PullRule:
    """How a subscription is pulled.

    ``wait_s`` is how long a pull waits for messages; the call itself stays open for ``open_s``.
    ``ack_deadline_s`` is the subscription's own deadline, if known: a pull with a lease of this
    length needs no second call to set it. ``backstop_attempts`` is the dead-letter policy's
    maximum, which is reported for dead letters without a delivery count.
    """

    wait_s: float = 1.0
    open_s: float = 60.0
    in_flight: int = 4
    ack_deadline_s: float | None = None
    backstop_lease_s: float = 60.0
    backstop_attempts: int = 100
    settle_timeout_s: float = 30.0


class PubSubSubscription:
    """Implements ``Subscription`` and ``BacklogReader`` on a Pub/Sub subscription.

    Settling is retried here, since no caller does so; a failed pull or extension is not, since the
    worker repeats those anyway. On closing, buffered messages are nacked, which Pub/Sub counts as a
    delivery.

    Pub/Sub's guarantees are weaker than the port's: an ack or nack with an expired lease may still
    take effect; extending does not report which leases are lost; a message may be delivered twice
    without a nack or an expired lease, both times as a first delivery; the backlog cannot be
    counted exactly or by run, and a run's messages cannot be dropped.
    """

    def __init__(
        self,
        client: SubscriberAsyncClient,
        place: PubSubPlace,
        rule: PullRule,
        retry: RetryRule,
        monotonic: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._now = now
        self._client = client
        self._seen: set[str] = set()
        self._paths = {_MAIN: place.subscription_path}
        if place.dead_letter_path is not None:
            self._paths[_DEAD_LETTERS] = place.dead_letter_path
        self._rule = rule
        self._retry = retry
        self._serial = count(1)
        self._buffer = PullBuffer(
            self._pull_leased,
            self._extend_pulled,
            in_flight=rule.in_flight,
            wait_s=rule.wait_s,
            monotonic=monotonic,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        place: PubSubPlace,
        *,
        credentials: Any = None,
        rule: PullRule | None = None,
        retry: RetryRule | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> AsyncIterator[PubSubSubscription]:
        """Open the subscription; on closing, nack the buffered messages.

        Raises:
            ConfigurationError: the library is not installed, or there are no credentials.
        """
        async with subscriber_client(place, credentials) as client:
            opened = cls(client, place, rule or PullRule(), retry or RetryRule(), monotonic, now)
            try:
                yield opened
            finally:
                await opened._close()

    async def _close(self) -> None:
        buffered = await self._buffer.close()
        try:
            await self.nack([delivery.lease_id for delivery in buffered])
        except SightlineError as error:
            log.warning("%d messages were not nacked: %s", len(buffered), error)

    async def pull(self, max_messages: int, *, lease_s: float) -> Sequence[Delivery]:
        """Lease up to ``max_messages``; wait at most ``PullRule.wait_s`` for the first.

        Raises:
            ConfigurationError: the lease is longer than Pub/Sub grants, or the subscription does
                not count deliveries; see also ``sightline.gcp.failures``.
            TransientError: see ``sightline.gcp.failures``.
        """
        if lease_s > MAX_ACK_DEADLINE_S:
            raise ConfigurationError(
                f"worker.lease_s = {lease_s:g} is more than Pub/Sub grants;"
                f" accepted: {MAX_ACK_DEADLINE_S} or less"
            )
        return await self._buffer.take(max_messages, lease_s=lease_s)

    async def extend(self, lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:
        """Extend the leases from now; Pub/Sub does not report which leases are lost."""
        await self._modify(_by_subscription(lease_ids), _whole_s(lease_s), RetryRule(tries=1))
        return frozenset(
            lease_id for lease_id in lease_ids if _LEASE_ID.fullmatch(lease_id) is None
        )

    async def ack(self, lease_ids: Sequence[str]) -> None:
        """Acknowledge the messages, in as many requests as needed, each with retries."""
        await self._settle(_by_subscription(lease_ids), self._client.acknowledge, self._retry, {})

    async def nack(self, lease_ids: Sequence[str], *, delay_s: float = 0.0) -> None:
        """Return the messages to the queue, to be delivered again after ``delay_s`` (at most 600).

        A delayed message keeps its lease, which is not extended: when it expires, Pub/Sub delivers
        the message again, and counts that like a nack. The delay therefore outlives this worker.
        """
        await self._modify(_by_subscription(lease_ids), _whole_s(delay_s), self._retry)

    async def collect_backstop(self, max_messages: int) -> Sequence[Delivery]:
        """Lease messages that Pub/Sub forwarded to the dead-letter topic, for a minute."""
        if _DEAD_LETTERS not in self._paths:
            return ()
        timeout_s = max(1.0, self._rule.wait_s)
        most = min(max_messages, MOST_MESSAGES)
        deliveries = [
            self._dead_letter(received)
            for received in await self._call_pull(_DEAD_LETTERS, most, timeout_s=timeout_s)
        ]
        await self._extend_pulled(deliveries, self._rule.backstop_lease_s)
        return deliveries

    async def backlog(self, run_id: str | None = None) -> Backlog:  # noqa: ARG002
        """Return an unknown backlog: Pub/Sub cannot count it."""
        return Backlog(ready=None, leased=None)

    async def purge(self, run_id: str) -> int:  # noqa: ARG002
        """Drop nothing: Pub/Sub cannot. Workers ack a cancelled run's messages without a call."""
        return 0

    async def make_due(self, run_id: str) -> int:  # noqa: ARG002
        """Do nothing: Pub/Sub cannot end a delay, which is ten minutes at most."""
        return 0

    # --- calls --------------------------------------------------------------------------------

    async def _pull_leased(self, most: int, lease_s: float) -> Sequence[Delivery]:
        raw = await self._call_pull(_MAIN, most, timeout_s=self._rule.open_s)
        if any(received.delivery_attempt == 0 for received in raw):
            # Every delivery would look like the first, and the model would be called unchecked.
            raise ConfigurationError(
                f"{self._paths[_MAIN]} does not count deliveries; give it a dead-letter policy"
                f" of {self._rule.backstop_attempts} delivery attempts"
            )
        deliveries = [self._delivery(_MAIN, received) for received in raw]
        if lease_s != self._rule.ack_deadline_s:
            await self._extend_pulled(deliveries, lease_s)
        return deliveries

    async def _extend_pulled(self, deliveries: Sequence[Delivery], lease_s: float) -> None:
        ack_ids = _by_subscription(delivery.lease_id for delivery in deliveries)
        # Retried, since the worker's leaser does not extend these messages yet.
        await self._modify(ack_ids, _whole_s(lease_s), self._retry)

    async def _call_pull(self, which: str, most: int, *, timeout_s: float) -> Sequence[Any]:
        from google.api_core.exceptions import DeadlineExceeded
        from google.pubsub_v1.types import PullRequest, PullResponse

        path = self._paths[which]
        request = PullRequest(subscription=path, max_messages=most)
        with self._service(path).translated(path):
            try:
                response = await self._client.pull(request=request, retry=None, timeout=timeout_s)
            except DeadlineExceeded:
                self._seen.add(path)
                return ()  # no message arrived while the call was open
        self._seen.add(path)
        return list(PullResponse.pb(response).received_messages)

    def _service(self, path: str) -> GoogleService:
        return PUBSUB_SEEN if path in self._seen else PUBSUB

    async def _modify(
        self, ack_ids: Mapping[str, Sequence[str]], deadline_s: int, retry: RetryRule
    ) -> None:
        deadline = {"ack_deadline_seconds": deadline_s}
        await self._settle(ack_ids, self._client.modify_ack_deadline, retry, deadline)

    async def _settle(
        self,
        ack_ids_by_subscription: Mapping[str, Sequence[str]],
        method: Callable[..., Any],
        retry: RetryRule,
        fields: Mapping[str, int],
    ) -> None:
        """Call a method with all ids, chunk by chunk; attempts all chunks before it raises."""

        async def call(path: str, ack_ids: Sequence[str]) -> None:
            request = {"subscription": path, "ack_ids": ack_ids, **fields}
            with self._service(path).translated(path):
                await method(request=request, retry=None, timeout=self._rule.settle_timeout_s)

        async def settle(path: str, ack_ids: Sequence[str]) -> None:
            await retry.run(lambda: call(path, ack_ids))

        outcomes = await asyncio.gather(
            *(
                settle(self._paths[which], chunk)
                for which, ack_ids in ack_ids_by_subscription.items()
                if which in self._paths
                for chunk in ack_chunks(ack_ids)
            ),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    # --- deliveries ---------------------------------------------------------------------------

    def _delivery(self, which: str, received: Any) -> Delivery:
        message = received.message
        return Delivery(
            # A server may use one ack id for all deliveries of a message; lease ids are unique.
            lease_id=f"{which}{next(self._serial)}:{received.ack_id}",
            message_id=message.message_id,
            body=message.data,
            attributes=dict(message.attributes),
            attempt=received.delivery_attempt,
            age_s=self._age_s(message.publish_time),
        )

    def _age_s(self, published_at: Any) -> float | None:
        """Return the time since a message was published; ``None`` if the server does not say."""
        published_s = float(published_at.seconds + published_at.nanos / 1e9)
        return max(0.0, self._now() - published_s) if published_s > 0 else None

    def _dead_letter(self, received: Any) -> Delivery:
        """Return a dead letter in its form before Pub/Sub forwarded it."""
        delivery = self._delivery(_DEAD_LETTERS, received)
        attempts = delivery.attributes.get(f"{_SOURCE}DeliveryCount", "")
        return Delivery(
            lease_id=delivery.lease_id,
            message_id=delivery.message_id,
            body=delivery.body,
            attributes={
                key: value
                for key, value in delivery.attributes.items()
                if not key.startswith(_SOURCE)
            },
            attempt=int(attempts) if attempts.isdecimal() else self._rule.backstop_attempts,
            age_s=delivery.age_s,
        )


def _by_subscription(lease_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the ack ids in this adapter's lease ids by subscription; ignores other lease ids."""
    ack_ids: dict[str, list[str]] = {}
    for lease_id in lease_ids:
        if match := _LEASE_ID.fullmatch(lease_id):
            ack_ids.setdefault(match[1], []).append(match[2])
    return ack_ids


def _whole_s(seconds: float) -> int:
    """Return a deadline that Pub/Sub accepts: whole seconds, up to ten minutes."""
    return max(0, min(MAX_ACK_DEADLINE_S, math.ceil(seconds)))
