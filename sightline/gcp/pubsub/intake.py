"""Keeps several pulls under way, which outlive the waiting for them.

A unary pull that is given up may take messages with it: the server has leased them, and nobody
hears of it until the lease runs out. So a call to ``take`` waits for a bounded time, but the pulls
that it started stay under way for the next one. What is asked for, together with what has arrived,
is never more than the last ``take`` wanted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sightline.errors import SightlineError
from sightline.gcp.pubsub.chunks import MOST_MESSAGES
from sightline.ports import Delivery

log = logging.getLogger(__name__)

LEAST_ASKED = 50
"""A pull that asks for fewer is not worth a call of its own beside another."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Messages that a pull brought, leased at ``at_s`` (of the monotonic clock) for ``lease_s``."""

    deliveries: Sequence[Delivery]
    at_s: float
    lease_s: float

    def left(self, now_s: float) -> float:
        """Return which share of the lease is left; none when 0 or less."""
        return 1 - (now_s - self.at_s) / self.lease_s


class Intake:
    """Pulls and buffers. ``pull`` leases up to so many messages for so many seconds."""

    def __init__(
        self,
        pull: Callable[[int, float], Awaitable[Sequence[Delivery]]],
        extend: Callable[[Sequence[Delivery], float], Awaitable[None]],
        *,
        in_flight: int,
        wait_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._pull = pull
        self._extend = extend
        self._in_flight = in_flight
        self._wait_s = wait_s
        self._monotonic = monotonic
        self._asked: dict[asyncio.Task[Arrived], int] = {}
        self._arrived: deque[Arrived] = deque()
        self._failure: SightlineError | None = None

    async def take(self, most: int, *, lease_s: float) -> list[Delivery]:
        """Return up to ``most`` messages, or none when nothing came in time.

        Raises:
            SightlineError: nothing came, since a pull failed.
        """
        await self._wait(most, lease_s)
        deliveries: list[Delivery] = []
        while self._arrived and len(deliveries) < most:
            if await self._is_fresh(self._arrived[0], lease_s):
                deliveries += self._cut(most - len(deliveries))
        if not deliveries and self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return deliveries

    async def close(self) -> list[Delivery]:
        """End the pulls that are under way; return what had arrived and was not taken."""
        for task in self._asked:
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)
        while self._asked:  # one pull that failed hides no message of the others
            try:
                self._harvest()
            except Exception as error:  # noqa: BLE001 - what has arrived is given back all the same
                log.error("a pull failed while the intake closes: %r", error)  # noqa: TRY400 - its type says all
        left = [delivery for arrived in self._arrived for delivery in arrived.deliveries]
        self._arrived.clear()
        return left

    async def _wait(self, most: int, lease_s: float) -> None:
        """Ask for what is missing, then wait until something has arrived or nothing will."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_s
        self._harvest()
        self._ask(most, lease_s)
        while self._asked and not self._arrived:
            done, _ = await asyncio.wait(
                self._asked,
                timeout=max(0.0, until - loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                return
            self._harvest()

    def _ask(self, most: int, lease_s: float) -> None:
        held = sum(len(arrived.deliveries) for arrived in self._arrived)
        missing = most - held - sum(self._asked.values())
        pulls = min(self._in_flight - len(self._asked), max(1, missing // LEAST_ASKED))
        for left in range(pulls, 0, -1):
            ask = min(MOST_MESSAGES, -(-missing // left))
            if ask <= 0:
                return
            self._asked[asyncio.create_task(self._pull_once(ask, lease_s))] = ask
            missing -= ask

    async def _pull_once(self, ask: int, lease_s: float) -> Arrived:
        deliveries = await self._pull(ask, lease_s)
        return Arrived(deliveries, self._monotonic(), lease_s)

    def _harvest(self) -> None:
        for task in [task for task in self._asked if task.done()]:
            del self._asked[task]
            if task.cancelled():
                continue
            error = task.exception()
            if isinstance(error, SightlineError):
                self._failure = error
            elif error is not None:
                raise error
            elif (arrived := task.result()).deliveries:
                self._failure = None
                self._arrived.append(arrived)

    async def _is_fresh(self, arrived: Arrived, lease_s: float) -> bool:
        """Extend what waited for long; drop what waited too long, for it is somebody else's."""
        left = arrived.left(self._monotonic())
        if left <= 0:
            log.warning("%d messages waited for a lease and lost it", len(arrived.deliveries))
            self._arrived.popleft()
            return False
        if left < 0.5:
            await self._extend(arrived.deliveries, lease_s)
            self._arrived[0] = Arrived(arrived.deliveries, self._monotonic(), lease_s)
        return True

    def _cut(self, most: int) -> Sequence[Delivery]:
        first = self._arrived.popleft()
        if len(first.deliveries) > most:
            rest = Arrived(first.deliveries[most:], first.at_s, first.lease_s)
            self._arrived.appendleft(rest)
        return first.deliveries[:most]
