"""Keeps several pulls in flight, and buffers their messages for later calls.

Cancelling a unary pull may lose messages until their leases expire: the server has leased them, but
the client never received them. A call to ``take`` therefore waits for a limited time, but its pulls
stay in flight for the next call. The messages requested and buffered together never exceed the
number that the last ``take`` wanted.
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

MIN_MESSAGES_PER_PULL = 50
"""Concurrent pulls for fewer messages than this are not worth a call each."""


@dataclass(frozen=True, slots=True)
class PulledMessages:
    """The messages of one pull, leased at ``at_s`` (monotonic clock) for ``lease_s``."""

    deliveries: Sequence[Delivery]
    at_s: float
    lease_s: float

    def left(self, now_s: float) -> float:
        """Return the share of the lease that is left; 0 or less if it has expired."""
        return 1 - (now_s - self.at_s) / self.lease_s


class PullBuffer:
    """Pulls and buffers messages. ``pull`` takes a number of messages and a lease in seconds."""

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
        self._pulls: dict[asyncio.Task[PulledMessages], int] = {}
        self._buffer: deque[PulledMessages] = deque()
        self._failure: SightlineError | None = None

    async def take(self, wanted: int, *, lease_s: float) -> list[Delivery]:
        """Return up to ``wanted`` messages, or none if none arrived in time.

        Raises:
            SightlineError: no message arrived, since a pull failed.
        """
        await self._wait(wanted, lease_s)
        taken: list[Delivery] = []
        while self._buffer and len(taken) < wanted:
            if await self._is_leased(self._buffer[0], lease_s):
                taken += self._take_first(wanted - len(taken))
        if not taken and self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return taken

    async def close(self) -> list[Delivery]:
        """Cancel the pulls in flight; return the buffered messages."""
        for task in self._pulls:
            task.cancel()
        await asyncio.gather(*self._pulls, return_exceptions=True)
        while self._pulls:  # a failed pull must not hide the messages of the others
            try:
                self._collect()
            except Exception as error:  # noqa: BLE001 - the messages are returned all the same
                log.error("a pull failed while its messages were collected: %r", error)  # noqa: TRY400 - its type says all
        buffered = [delivery for pulled in self._buffer for delivery in pulled.deliveries]
        self._buffer.clear()
        return buffered

    async def _wait(self, wanted: int, lease_s: float) -> None:
        """Start pulls for the missing messages; wait for messages until the time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_s
        self._collect()
        self._start_pulls(wanted, lease_s)
        while self._pulls and not self._buffer:
            done, _ = await asyncio.wait(
                self._pulls,
                timeout=max(0.0, until - loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                return
            self._collect()

    def _start_pulls(self, wanted: int, lease_s: float) -> None:
        buffered = sum(len(pulled.deliveries) for pulled in self._buffer)
        missing = wanted - buffered - sum(self._pulls.values())
        pulls = min(self._in_flight - len(self._pulls), max(1, missing // MIN_MESSAGES_PER_PULL))
        for left in range(pulls, 0, -1):
            count = min(MOST_MESSAGES, -(-missing // left))
            if count <= 0:
                return
            self._pulls[asyncio.create_task(self._pull_once(count, lease_s))] = count
            missing -= count

    async def _pull_once(self, count: int, lease_s: float) -> PulledMessages:
        deliveries = await self._pull(count, lease_s)
        return PulledMessages(deliveries, self._monotonic(), lease_s)

    def _collect(self) -> None:
        for task in [task for task in self._pulls if task.done()]:
            del self._pulls[task]
            if task.cancelled():
                continue
            error = task.exception()
            if isinstance(error, SightlineError):
                self._failure = error
            elif error is not None:
                raise error
            elif (pulled := task.result()).deliveries:
                self._failure = None
                self._buffer.append(pulled)

    async def _is_leased(self, pulled: PulledMessages, lease_s: float) -> bool:
        """Extend the lease past half of its time; drop messages whose lease has expired."""
        left = pulled.left(self._monotonic())
        if left <= 0:
            log.warning(
                "the leases of %d buffered messages expired; Pub/Sub delivers them again",
                len(pulled.deliveries),
            )
            self._buffer.popleft()
            return False
        if left < 0.5:
            await self._extend(pulled.deliveries, lease_s)
            self._buffer[0] = PulledMessages(pulled.deliveries, self._monotonic(), lease_s)
        return True

    def _take_first(self, wanted: int) -> Sequence[Delivery]:
        first = self._buffer.popleft()
        if len(first.deliveries) > wanted:
            rest = PulledMessages(first.deliveries[wanted:], first.at_s, first.lease_s)
            self._buffer.appendleft(rest)
        return first.deliveries[:wanted]
