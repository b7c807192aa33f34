"""The queue: where messages go, where they come from under leases, and a look into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be published."""

    body: bytes
    attributes: Mapping[str, str]


class Publisher(Protocol):
    """Where messages go."""

    async def publish(self, messages: Sequence[Outgoing], *, batch_key: str) -> int:
        """Publish a batch durably; return how many messages were published.

        An adapter that can publishes a batch once for its ``batch_key`` (0 the second time); one
        that cannot publishes at least once, and the workers' check before a paid call stands in.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A leased message. ``attempt`` is 1 plus the nacks plus the leases that ran out.

    ``age_s`` is how long ago it was published, where the queue tells.
    """

    lease_id: str
    message_id: str
    body: bytes
    attributes: Mapping[str, str]
    attempt: int
    age_s: float | None = None


class Subscription(Protocol):
    """Where messages come from, under leases. A lease that is lost is ignored by ack and nack."""

    async def pull(self, max_messages: int, *, lease_s: float) -> Sequence[Delivery]:
        """Lease up to ``max_messages``; an empty answer proves nothing about the backlog."""
        ...

    async def extend(self, lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:
        """Let the leases run ``lease_s`` seconds from now; return those known to be lost."""
        ...

    async def ack(self, lease_ids: Sequence[str]) -> None:
        """Settle the messages: they are never delivered again."""
        ...

    async def nack(self, lease_ids: Sequence[str], *, delay_s: float = 0.0) -> None:
        """Give the messages back, to be delivered again after ``delay_s`` seconds or more."""
        ...

    async def collect_backstop(self, max_messages: int) -> Sequence[Delivery]:
        """Take messages that the queue itself gave up on; ack them once they are recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a queue holds of one run, or of all; ``None`` where it cannot tell."""

    ready: int | None
    leased: int | None
    oldest_age_s: float | None = None


class BacklogReader(Protocol):
    """A look into the queue, for status, drain and cancel."""

    async def backlog(self, run_id: str | None = None) -> Backlog:
        """Count unsettled messages."""
        ...

    async def purge(self, run_id: str) -> int:
        """Drop a cancelled run's unleased messages; return how many (0 where it cannot)."""
        ...

    async def make_due(self, run_id: str) -> int:
        """Let a run's messages that wait out a delay come at once; return how many.

        0 where the queue cannot: they then come when their delays are over.
        """
        ...
