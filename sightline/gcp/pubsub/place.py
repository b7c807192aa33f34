"""Where the queue is: a project's topic and subscriptions, at Google or at an emulator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PubSubPlace:
    """Short names of one project. ``endpoint`` is the ``host:port`` of an emulator, or ``None``.

    An emulator is spoken to in clear text and without credentials; Google with the application
    default credentials.
    """

    project: str
    topic: str
    subscription: str
    dead_letter_subscription: str | None = None
    endpoint: str | None = None

    @property
    def topic_path(self) -> str:
        """The topic's full name."""
        return f"projects/{self.project}/topics/{self.topic}"

    @property
    def subscription_path(self) -> str:
        """The subscription's full name."""
        return f"projects/{self.project}/subscriptions/{self.subscription}"

    @property
    def dead_letter_path(self) -> str | None:
        """The full name of the dead-letter topic's subscription."""
        if self.dead_letter_subscription is None:
            return None
        return f"projects/{self.project}/subscriptions/{self.dead_letter_subscription}"
