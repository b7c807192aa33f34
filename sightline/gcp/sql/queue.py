"""The queue port of an engine without a queue: the work list of a run defines what is to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sightline.errors import ConfigurationError
from sightline.ports import Backlog, Delivery, Outgoing

_NO_MESSAGES = (
    "this engine has no messages to lease: its work lists are worked off without workers; run"
    " `sightline work` with --engine bigquery or --engine batch, whichever they were enqueued for"
)


class WorkListQueue:
    """Implements the queue ports over the ledgers: listed parts count as queued; sends nothing."""

    def __init__(self, missing: Callable[[], Awaitable[int]]) -> None:
        self._missing = missing

    async def publish(self, messages: Sequence[Outgoing], *, batch_key: str) -> int:  # noqa: ARG002 - the port's
        """Send nothing: the work list already holds the messages."""
        return len(messages)

    async def backlog(self, run_id: str | None = None) -> Backlog:
        """Count the parts of all open work lists that are neither written nor dead."""
        return Backlog(None if run_id else await self._missing(), 0)

    async def purge(self, run_id: str) -> int:  # noqa: ARG002 - the port's
        """Drop nothing: the parts of a cancelled run are not processed."""
        return 0

    async def make_due(self, run_id: str) -> int:  # noqa: ARG002 - the port's
        """Do nothing: no message is delayed."""
        return 0

    async def pull(self, max_messages: int, *, lease_s: float) -> Sequence[Delivery]:  # noqa: ARG002 - the port's
        """Refuse: there are no messages.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(_NO_MESSAGES)

    async def extend(self, lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:  # noqa: ARG002 - the port's
        """Report all leases as lost; none was ever granted."""
        return frozenset(lease_ids)

    async def ack(self, lease_ids: Sequence[str]) -> None:
        """Settle nothing."""

    async def nack(self, lease_ids: Sequence[str], *, delay_s: float = 0.0) -> None:
        """Give nothing back."""

    async def collect_backstop(self, max_messages: int) -> Sequence[Delivery]:  # noqa: ARG002 - the port's
        """Return nothing: no queue dead-letters messages."""
        return ()
