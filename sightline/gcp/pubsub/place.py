"""The location of the queue: a project's topic and subscriptions, at Google or on an emulator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PubSubPlace:
    """Short names in one project. ``endpoint`` is the ``host:port`` of an emulator, or ``None``.

    Emulators are called in clear text and without credentials.
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
