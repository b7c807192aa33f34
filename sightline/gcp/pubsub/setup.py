"""Creates the job's missing topics and subscriptions, and reports those that differ.

An existing subscription is never changed: its settings may be intentional, and a subscription that
is bound to another topic cannot be changed at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sightline.errors import ConfigurationError
from sightline.gcp.failures import PUBSUB
from sightline.gcp.pubsub.clients import publisher_client, subscriber_client
from sightline.gcp.pubsub.place import PubSubPlace
from sightline.gcp.retry import RetryRule
from sightline.settings.queue_shape import ACK_DEADLINE_S, MAX_BACKOFF_S, MIN_BACKOFF_S

if TYPE_CHECKING:
    from google.pubsub_v1.services.publisher import PublisherAsyncClient
    from google.pubsub_v1.services.subscriber import SubscriberAsyncClient

TIMEOUT_S = 30.0

Kind = Literal["topic", "subscription"]


@dataclass(frozen=True, slots=True)
class QueueShape:
    """The queue that the job needs.

    After ``backstop_attempts`` deliveries, Pub/Sub forwards a message to ``dead_letter_topic``.
    """

    place: PubSubPlace
    dead_letter_topic: str
    backstop_attempts: int = 100

    @property
    def dead_letter_topic_path(self) -> str:
        """The dead-letter topic's full name."""
        return f"projects/{self.place.project}/topics/{self.dead_letter_topic}"

    def topic_of(self, path: str) -> str:
        """Return the full name of the topic of one of the two subscriptions."""
        is_work = path == self.place.subscription_path
        return self.place.topic_path if is_work else self.dead_letter_topic_path


@dataclass(frozen=True, slots=True)
class QueueResource:
    """A topic or a subscription: whether it existed, and how it differs from what the job needs."""

    kind: Kind
    path: str
    existed: bool
    differences: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The short name."""
        return self.path.rpartition("/")[2]


class QueueSetup:
    """Inspects and creates the topics and subscriptions; created by ``open``."""

    def __init__(
        self, shape: QueueShape, publisher: PublisherAsyncClient, subscriber: SubscriberAsyncClient
    ) -> None:
        self._shape = shape
        self._publisher = publisher
        self._subscriber = subscriber
        self._retry = RetryRule()

    @classmethod
    @asynccontextmanager
    async def open(cls, shape: QueueShape, credentials: Any = None) -> AsyncIterator[QueueSetup]:
        """Open both clients, without sending a request.

        Raises:
            ConfigurationError: the library is not installed, or there are no credentials.
        """
        async with (
            publisher_client(shape.place, credentials) as publisher,
            subscriber_client(shape.place, credentials) as subscriber,
        ):
            yield cls(shape, publisher, subscriber)

    def required(self) -> Sequence[tuple[Kind, str]]:
        """Return the required topics and subscriptions, in the order of their creation."""
        place, shape = self._shape.place, self._shape
        required: list[tuple[Kind, str]] = [
            ("topic", place.topic_path),
            ("topic", shape.dead_letter_topic_path),
            ("subscription", place.subscription_path),
        ]
        if place.dead_letter_path is not None:
            required.append(("subscription", place.dead_letter_path))
        return required

    async def inspect(self, kind: Kind, path: str) -> QueueResource:
        """Return whether a topic or subscription exists, and how it differs.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        if kind == "topic":
            return QueueResource(kind, path, existed=await self._topic_exists(path))
        subscription = await self._subscription(path)
        if subscription is None:
            return QueueResource(kind, path, existed=False)
        return QueueResource(kind, path, True, tuple(self._differences(path, subscription)))

    async def put(self, kind: Kind, path: str) -> QueueResource:
        """Create a topic or subscription if it does not exist; return its state before the call.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        return await self._retry.run(lambda: self._put(kind, path))

    async def _put(self, kind: Kind, path: str) -> QueueResource:
        from google.api_core.exceptions import AlreadyExists

        resource = await self.inspect(kind, path)
        if resource.existed:
            return resource
        with PUBSUB.translated(path):
            try:
                if kind == "topic":
                    await self._publisher.create_topic(
                        request={"name": path}, retry=None, timeout=TIMEOUT_S
                    )
                else:
                    await self._subscriber.create_subscription(
                        request=subscription_request(self._shape, path),
                        retry=None,
                        timeout=TIMEOUT_S,
                    )
            except AlreadyExists:  # another process created it meanwhile
                return replace(await self.inspect(kind, path), existed=True)
        return resource

    async def missing_permissions(self, kind: Kind, path: str) -> Sequence[str] | None:
        """Return the permissions that the caller lacks; ``None`` from a server without IAM.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        from google.api_core.exceptions import MethodNotImplemented

        client: Any = self._publisher if kind == "topic" else self._subscriber
        needed = _PERMISSIONS[kind]
        with PUBSUB.translated(path):
            try:
                response = await client.test_iam_permissions(
                    request={"resource": path, "permissions": needed}, timeout=TIMEOUT_S
                )
            except MethodNotImplemented:
                return None
        return [permission for permission in needed if permission not in response.permissions]

    async def _topic_exists(self, path: str) -> bool:
        from google.api_core.exceptions import NotFound

        with PUBSUB.translated(path):
            try:
                await self._publisher.get_topic(
                    request={"topic": path}, retry=None, timeout=TIMEOUT_S
                )
            except NotFound:
                return False
        return True

    async def _subscription(self, path: str) -> Any:
        from google.api_core.exceptions import NotFound

        with PUBSUB.translated(path):
            try:
                return await self._subscriber.get_subscription(
                    request={"subscription": path}, retry=None, timeout=TIMEOUT_S
                )
            except NotFound:
                return None

    def _differences(self, path: str, subscription: Any) -> list[str]:
        differences = []
        topic = self._shape.topic_of(path)
        if subscription.topic != topic:
            differences.append(f"it is bound to {subscription.topic}, not {topic}")
        if subscription.push_config.push_endpoint or subscription.bigquery_config.table:
            differences.append("its messages are delivered elsewhere, not pulled")
        if subscription.ack_deadline_seconds < ACK_DEADLINE_S:
            differences.append(
                f"its ack deadline is {subscription.ack_deadline_seconds} s, not {ACK_DEADLINE_S} s"
            )
        if subscription.expiration_policy.ttl:
            days = subscription.expiration_policy.ttl.days
            differences.append(f"it expires after {days} days without a pull")
        if path == self._shape.place.subscription_path:
            differences += self._policy_differences(subscription.dead_letter_policy)
        return differences

    def _policy_differences(self, policy: Any) -> list[str]:
        shape = self._shape
        if not policy.dead_letter_topic:
            return ["it has no dead-letter policy, without which deliveries are not counted"]
        differences = []
        if policy.dead_letter_topic != shape.dead_letter_topic_path:
            differences.append(
                f"its dead letters go to {policy.dead_letter_topic},"
                f" not {shape.dead_letter_topic_path}"
            )
        if policy.max_delivery_attempts != shape.backstop_attempts:
            differences.append(
                f"it stops after {policy.max_delivery_attempts} delivery attempts,"
                f" not {shape.backstop_attempts}"
            )
        return differences


def subscription_request(shape: QueueShape, path: str) -> dict[str, Any]:
    """Return the request that creates a subscription with the settings that the job needs."""
    request: dict[str, Any] = {
        "name": path,
        "topic": shape.topic_of(path),
        "ack_deadline_seconds": ACK_DEADLINE_S,
        "expiration_policy": {},  # without a time to live, it never expires
    }
    if shape.place.endpoint is None:
        # Google's emulator loses messages under such a policy: about one in seven of those whose
        # leases expire, as at the end of a delay, is never delivered again.
        request["retry_policy"] = {
            "minimum_backoff": {"seconds": MIN_BACKOFF_S},
            "maximum_backoff": {"seconds": MAX_BACKOFF_S},
        }
    if path == shape.place.subscription_path:
        request["dead_letter_policy"] = {
            "dead_letter_topic": shape.dead_letter_topic_path,
            "max_delivery_attempts": shape.backstop_attempts,
        }
    return request


_PERMISSIONS: dict[Kind, list[str]] = {
    "topic": ["pubsub.topics.publish"],
    "subscription": ["pubsub.subscriptions.consume"],
}


def repair_command(shape: QueueShape, resource: QueueResource) -> str:
    """Return the command that gives a subscription the settings that the job needs."""
    project = f"--project={shape.place.project}"
    is_bound_elsewhere = any("is bound to" in difference for difference in resource.differences)
    if is_bound_elsewhere or any(
        "delivered elsewhere" in difference for difference in resource.differences
    ):
        return f"gcloud pubsub subscriptions delete {resource.name} {project} && sightline setup"
    options = [f"--ack-deadline={ACK_DEADLINE_S}", "--expiration-period=never"]
    if resource.path == shape.place.subscription_path:
        options += [
            f"--dead-letter-topic={shape.dead_letter_topic}",
            f"--max-delivery-attempts={shape.backstop_attempts}",
        ]
    return f"gcloud pubsub subscriptions update {resource.name} {project} {' '.join(options)}"


def agent_grants(shape: QueueShape) -> tuple[str, str]:
    """Return the commands that permit Pub/Sub to forward dead letters.

    Its service agent publishes to the dead-letter topic and acknowledges on the subscription
    (https://cloud.google.com/pubsub/docs/dead-letter-topics#grant_forwarding_permissions).
    """
    project = shape.place.project
    agent = (
        f"serviceAccount:service-$(gcloud projects describe {project}"
        " --format='value(projectNumber)')@gcp-sa-pubsub.iam.gserviceaccount.com"
    )
    options = f'--project={project} --member="{agent}" --role=roles/pubsub'
    topic, subscription = shape.dead_letter_topic, shape.place.subscription
    return (
        f"gcloud pubsub topics add-iam-policy-binding {topic} {options}.publisher",
        f"gcloud pubsub subscriptions add-iam-policy-binding {subscription} {options}.subscriber",
    )


def check_names(shape: QueueShape) -> None:
    """Check the names before anything is created.

    Raises:
        ConfigurationError: the two topics, or the two subscriptions, have the same name.
    """
    place = shape.place
    if shape.dead_letter_topic == place.topic:
        raise ConfigurationError(
            f"pubsub.topic and pubsub.dead_letter_topic are both {place.topic!r}; set two names"
        )
    if place.dead_letter_subscription == place.subscription:
        raise ConfigurationError(
            "pubsub.subscription and pubsub.dead_letter_subscription are both"
            f" {place.subscription!r}; set two names"
        )
