"""The queue: topic, subscription, and the dead-letter topic."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.accounts import Accounts
from infra.entity import Entity
from infra.message_schema import MESSAGE_PROTO
from infra.roles import Role, grant
from infra.services import Services
from infra.stack import Stack
from sightline.settings import QueueSettings
from sightline.settings.queue_shape import ACK_DEADLINE_S, MAX_BACKOFF_S, MIN_BACKOFF_S

DAY_S = 86_400
NEVER = ""

PRODUCER_PUBLISHES = Role(
    "producer-publishes", "producer", "roles/pubsub.publisher", "the topic of the work",
    "publishes what is not done yet",
)  # fmt: skip
WORKER_LEASES = Role(
    "worker-leases", "worker", "roles/pubsub.subscriber", "the subscription of the work",
    "pulls, extends and settles messages",
)  # fmt: skip
WORKER_COLLECTS = Role(
    "worker-collects", "worker", "roles/pubsub.subscriber", "the dead-letter subscription",
    "records in the ledger what Pub/Sub no longer delivers",
)  # fmt: skip
AGENT_FORWARDS = Role(
    "agent-forwards", "Pub/Sub's service agent", "roles/pubsub.publisher", "the dead-letter topic",
    "forwards messages that were delivered too often",
)  # fmt: skip
AGENT_ACKS = Role(
    "agent-acks", "Pub/Sub's service agent", "roles/pubsub.subscriber",
    "the subscription of the work", "takes away there what it has forwarded",
)  # fmt: skip
GRANTS = (PRODUCER_PUBLISHES, WORKER_LEASES, WORKER_COLLECTS, AGENT_FORWARDS, AGENT_ACKS)


class Messaging(Entity):
    """Topics and subscriptions, configured as by ``sightline setup``."""

    def __init__(self, stack: Stack, services: Services, accounts: Accounts, **more: Any) -> None:
        super().__init__("messaging", stack, needs=services.enabled, **more)
        self.topic = self._topic("work", **self._schema())
        self.dead_letter_topic = self._topic("abandoned")
        self.subscription = self._subscription(
            "work",
            self.topic,
            dead_letter_policy=gcp.pubsub.SubscriptionDeadLetterPolicyArgs(
                dead_letter_topic=self.dead_letter_topic.id,
                max_delivery_attempts=QueueSettings().backstop_attempts,
            ),
        )
        self.dead_letter_subscription = self._subscription("abandoned", self.dead_letter_topic)
        self.results: gcp.pubsub.Topic | None = None
        worker = accounts.member(accounts.worker)
        self._on_topic(PRODUCER_PUBLISHES, self.topic, accounts.member(accounts.producer))
        self._on_subscription(WORKER_LEASES, self.subscription, worker)
        self._on_subscription(WORKER_COLLECTS, self.dead_letter_subscription, worker)
        self._on_topic(AGENT_FORWARDS, self.dead_letter_topic, services.pubsub_agent)
        self._on_subscription(AGENT_ACKS, self.subscription, services.pubsub_agent)
        if stack.config.results_topic:
            self.results = self._topic("results")
        self.register_outputs({})

    def _schema(self) -> dict[str, Any]:
        if not self.stack.config.message_schema:
            return {}
        schema = gcp.pubsub.Schema(
            "message",
            project=self.stack.project,
            name=self.stack.names.of("message"),
            type="PROTOCOL_BUFFER",
            definition=MESSAGE_PROTO,
            opts=self.below(),
        )
        settings = gcp.pubsub.TopicSchemaSettingsArgs(schema=schema.id, encoding="JSON")
        return {"schema_settings": settings}

    def _topic(self, what: str, **more: Any) -> gcp.pubsub.Topic:
        return gcp.pubsub.Topic(
            f"{what}-topic",
            project=self.stack.project,
            name=self.stack.names.of(what),
            labels=self.stack.labels,
            message_retention_duration=f"{self.stack.config.retention_days * DAY_S}s",
            opts=self.below(),
            **more,
        )

    def _subscription(
        self, what: str, topic: gcp.pubsub.Topic, **more: Any
    ) -> gcp.pubsub.Subscription:
        return gcp.pubsub.Subscription(
            f"{what}-subscription",
            project=self.stack.project,
            name=self.stack.names.of(what),
            topic=topic.id,
            labels=self.stack.labels,
            ack_deadline_seconds=ACK_DEADLINE_S,
            message_retention_duration=f"{self.stack.config.retention_days * DAY_S}s",
            expiration_policy=gcp.pubsub.SubscriptionExpirationPolicyArgs(ttl=NEVER),
            retry_policy=gcp.pubsub.SubscriptionRetryPolicyArgs(
                minimum_backoff=f"{MIN_BACKOFF_S}s", maximum_backoff=f"{MAX_BACKOFF_S}s"
            ),
            opts=self.below(),
            **more,
        )

    def _on_topic(self, role: Role, topic: gcp.pubsub.Topic, who: pulumi.Input[str]) -> None:
        target = {"project": self.stack.project, "topic": topic.name}
        grant(role, gcp.pubsub.TopicIAMMember, who, target, self.below())

    def _on_subscription(
        self, role: Role, subscription: gcp.pubsub.Subscription, who: pulumi.Input[str]
    ) -> None:
        target = {"project": self.stack.project, "subscription": subscription.name}
        grant(role, gcp.pubsub.SubscriptionIAMMember, who, target, self.below())
