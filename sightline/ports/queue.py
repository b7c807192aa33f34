"""The queue: publishing, receiving under leases, and inspecting."""

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

        An adapter that can publishes each ``batch_key`` once (0 the second time). One that cannot
        publishes at least once; then the workers' lookup before a paid call prevents double work.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A leased message.

    ``attempt`` is 1 plus the number of nacks and expired leases. ``age_s`` is the time since it was
    published, if the queue reports it.
    """

    lease_id: str
    message_id: str
    body: bytes
    attributes: Mapping[str, str]
    attempt: int
    age_s: float | None = None


class Subscription(Protocol):
    """Receives messages under leases. Acks and nacks of a lost lease are ignored."""

    async def pull(self, max_messages: int, *, lease_s: float) -> Sequence[Delivery]:
        """Lease up to ``max_messages``; an empty result does not prove an empty backlog."""
        ...

    async def extend(self, lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:
        """Extend the leases to ``lease_s`` seconds from now; return those known to be lost."""
        ...

    async def ack(self, lease_ids: Sequence[str]) -> None:
        """Settle the messages: they are never delivered again."""
        ...

    async def nack(self, lease_ids: Sequence[str], *, delay_s: float = 0.0) -> None:
        """Return messages to the queue, to be redelivered after at least ``delay_s`` seconds."""
        ...

    async def collect_backstop(self, max_messages: int) -> Sequence[Delivery]:
        """Return messages of the dead-letter topic; ack them once they are recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """The content of a queue, for one run or for all; ``None`` if the queue cannot report it."""

    ready: int | None
    leased: int | None
    oldest_age_s: float | None = None


class BacklogReader(Protocol):
    """Inspects the queue, for status, drain and cancel."""

    async def backlog(self, run_id: str | None = None) -> Backlog:
        """Count unsettled messages."""
        ...

    async def purge(self, run_id: str) -> int:
        """Drop a cancelled run's unleased messages; return how many (0 if the queue cannot)."""
        ...

    async def make_due(self, run_id: str) -> int:
        """Deliver a run's delayed messages immediately; return how many.

        0 if the queue cannot; they are then delivered after their delays.
        """
        ...
