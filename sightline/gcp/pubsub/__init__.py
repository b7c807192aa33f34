"""Uses Pub/Sub as the queue: machines publish to a topic and lease from its subscription."""

from sightline.gcp.pubsub.place import PubSubPlace
from sightline.gcp.pubsub.publisher import PubSubPublisher
from sightline.gcp.pubsub.subscription import PubSubSubscription, PullRule
from sightline.gcp.retry import RetryRule

__all__ = ["PubSubPlace", "PubSubPublisher", "PubSubSubscription", "PullRule", "RetryRule"]
