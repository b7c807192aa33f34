"""What the tests of the local queue share: a clock, and ways to fill and to empty a queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.local.queue import LocalQueue
from sightline.ports import Delivery, Outgoing

LEASE_S = 30.0


@dataclass
class Clock:
    """Time that only the test moves, also backwards."""

    time_s: float = 1_700_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.time_s


async def fill(queue: LocalQueue, count: int, *, run_id: str = "run-1", size: int = 10) -> None:
    """Publish ``count`` messages of ``size`` bytes."""
    messages = [
        Outgoing(f"{i:0{size}d}".encode(), {"v": "1", "run_id": run_id}) for i in range(count)
    ]
    assert await queue.publish(messages, batch_key=f"{run_id}/{count}/{size}") == count


async def drain(queue: LocalQueue) -> None:
    """Settle everything."""
    while deliveries := await queue.pull(1000, lease_s=LEASE_S):
        await queue.ack(ids(deliveries))


def ids(deliveries: Sequence[Delivery]) -> list[str]:
    """Return the lease ids."""
    return [delivery.lease_id for delivery in deliveries]
