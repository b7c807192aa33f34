"""Extends the lease of every outstanding message, from the pull until it is settled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sightline.errors import TransientError
from sightline.ports import Delivery, Subscription

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lease:
    """A message that this worker holds. ``lost`` means that another worker may have it now."""

    delivery: Delivery
    since_s: float
    lost: bool = False


class Leaser:
    """Extends leases at a third of their length, with jitter, up to a maximum.

    It keeps running while the worker drains, so a drain that outlasts a lease causes no redelivery.
    """

    def __init__(
        self,
        subscription: Subscription,
        *,
        lease_s: float,
        max_lease_s: float,
        monotonic: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._subscription = subscription
        self._lease_s = lease_s
        self._max_lease_s = max_lease_s
        self._monotonic = monotonic
        self._random = random
        self._leases: dict[str, Lease] = {}

    @property
    def outstanding(self) -> int:
        """How many messages are leased and not settled."""
        return len(self._leases)

    def hold(self, deliveries: Iterable[Delivery]) -> list[Lease]:
        """Start to extend the leases of newly pulled messages."""
        now_s = self._monotonic()
        leases = [Lease(delivery, now_s) for delivery in deliveries]
        self._leases.update((lease.delivery.lease_id, lease) for lease in leases)
        return leases

    def forget(self, lease_ids: Iterable[str]) -> None:
        """Stop extending messages that are settled."""
        for lease_id in lease_ids:
            self._leases.pop(lease_id, None)

    def holds(self, deliveries: Iterable[Delivery]) -> bool:
        """Return whether any of these is not settled yet."""
        return any(delivery.lease_id in self._leases for delivery in deliveries)

    def all(self) -> list[Lease]:
        """Return the leases that are held, including lost ones."""
        return list(self._leases.values())

    async def run(self) -> None:
        """Extend leases until cancelled, when the last message is settled."""
        while True:
            await asyncio.sleep(self._lease_s / 3 * (0.8 + 0.2 * self._random()))
            await self.extend_once()

    async def extend_once(self) -> None:
        """Extend the held leases; mark those that are lost or have reached the maximum."""
        now_s = self._monotonic()
        lease_ids: list[str] = []
        for lease_id, lease in self._leases.items():
            if now_s - lease.since_s > self._max_lease_s:
                lease.lost = True
            elif not lease.lost:
                lease_ids.append(lease_id)
        if not lease_ids:
            return
        try:
            lost_ids = await self._subscription.extend(lease_ids, lease_s=self._lease_s)
        except TransientError as error:
            log.warning("%d leases were not extended, trying again soon: %s", len(lease_ids), error)
            return
        for lease_id in lost_ids:
            if lease_id in self._leases:
                self._leases[lease_id].lost = True
