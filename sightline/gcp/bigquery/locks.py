"""Locks between machines with BigQuery alone, where only one process can create a given table.

A lock is an empty table whose description names its holder. It expires unless the holder renews it,
so the lock of a killed process ends by itself: BigQuery removes expired tables, and a waiting
process removes one that still exists. It first creates a second table, named after the expired
holder, so that only one process removes the lock, and never a newer one.

A holder whose lock was not renewed in time, for example because its machine slept, is interrupted.
Clocks may differ by ``LockTiming.skew_s``.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sightline.errors import BusyError, SightlineError
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.lock_tables import Holder, LockTables

PREFIX = "_lock_"


@dataclass(frozen=True, slots=True)
class LockTiming:
    """How long a lock lasts unless renewed, and how the next holder waits, in seconds.

    A waiting process polls after ``poll_s``; the interval grows by half each time up to
    ``max_poll_s``, and is randomly shortened by up to half. It raises after ``patience_s``.
    """

    life_s: float = 60.0
    renew_s: float = 15.0
    skew_s: float = 5.0
    poll_s: float = 0.1
    max_poll_s: float = 3.0
    patience_s: float = 1800.0

    def expires(self, now: datetime) -> datetime:
        """Return when a lock that is taken or renewed now expires."""
        return now + timedelta(seconds=self.life_s)

    def over(self, expires: datetime, now: datetime) -> bool:
        """Return whether a lock has expired, by every clock within the skew."""
        return now > expires + timedelta(seconds=self.skew_s)

    def safe(self, expires: datetime, now: datetime) -> bool:
        """Return whether a lock has not expired, by every clock within the skew."""
        return now < expires - timedelta(seconds=self.skew_s)

    def renewal_s(self, expires: datetime, now: datetime) -> float:
        """Return how long to wait before a lock is renewed, at most until its last safe moment."""
        left_s = (expires - now).total_seconds() - self.skew_s
        return max(0.0, min(self.renew_s, left_s))

    def delay_s(self, attempt: int, chance: float) -> float:
        """Return how long to wait after the ``attempt``-th poll, with ``chance`` in [0, 1)."""
        growing: float = self.poll_s * 1.5 ** min(attempt, 50)
        return min(self.max_poll_s, growing) * (1.0 - chance / 2)


class TableLocks:
    """Takes the locks of a dataset; ``owner`` is a name for people."""

    def __init__(
        self,
        client: BigQueryClient,
        owner: str,
        now: Callable[[], datetime],
        *,
        timing: LockTiming | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._tables = LockTables(client)
        self._owner = owner
        self._now = now
        self._timing = timing or LockTiming()
        self._sleep = sleep
        self._chance = chance

    @asynccontextmanager
    async def at_once(self, name: str, what: str) -> AsyncIterator[None]:
        """Hold a lock, or fail without waiting; error messages begin with ``what``.

        Raises:
            BusyError: another process holds the lock, or this process lost it meanwhile.
        """
        taken = await self._take(name, self._holder())
        if not isinstance(taken, _HeldLock):
            raise BusyError(f"{what} {_held_by(*taken)}; wait for it")
        async with _held(taken, what):
            yield

    @asynccontextmanager
    async def in_turn(self, name: str, what: str) -> AsyncIterator[None]:
        """Hold a lock, after waiting for its present holder.

        Raises:
            BusyError: the lock stayed taken for ``patience_s``, or this process lost it meanwhile.
        """
        mine = self._holder()
        give_up = self._now() + timedelta(seconds=self._timing.patience_s)
        attempt = 0
        while not isinstance(taken := await self._take(name, mine), _HeldLock):
            if self._now() > give_up:
                raise BusyError(f"{what} {_held_by(*taken)}; try again once that is over")
            await self._sleep(self._timing.delay_s(attempt, self._chance()))
            attempt += 1
        async with _held(taken, what):
            yield

    async def held(self, names: Sequence[str]) -> frozenset[str]:
        """Return which of these locks are held now; takes none."""
        existing = await self._tables.names()
        held = set()
        for name in names:
            if (table := _table_name(name)) not in existing:
                continue
            holder = await self._tables.read(table)
            if holder is not None and not self._timing.over(holder[1], self._now()):
                held.add(name)
        return frozenset(held)

    def _holder(self) -> Holder:
        return Holder(self._owner, uuid.uuid4().hex, self._now().astimezone(UTC).isoformat())

    async def _take(self, name: str, mine: Holder) -> _HeldLock | tuple[Holder, datetime]:
        """Take a lock; return it, or else its present holder and expiry."""
        table = _table_name(name)
        while True:
            expires = self._timing.expires(self._now())
            made = await self._tables.make(table, mine, expires)
            other = None if made else await self._tables.read(table)
            # The holder is this process if the response to an earlier attempt was lost.
            if made or (other is not None and other[0] == mine):
                return _HeldLock(
                    self._tables, table, mine, expires, self._now, self._timing, self._sleep
                )
            if other is None:
                continue  # released meanwhile
            if not self._timing.over(other[1], self._now()) or not await self._clear(table, *other):
                return other

    async def _clear(self, table: str, holder: Holder, expires: datetime) -> bool:
        """Remove an expired lock; return whether taking the lock should be tried again."""
        remover = f"{table}_after_{holder.token}"
        ends = self._timing.expires(self._now())
        if not await self._tables.make(remover, self._holder(), ends):
            other = await self._tables.read(remover)
            if other is not None and self._timing.over(other[1], self._now()):
                await self._tables.remove(remover)  # the process that created it was killed here
            return False
        try:
            if await self._tables.read(table) == (holder, expires):
                await self._tables.remove(table)
        finally:
            await self._tables.remove(remover)
        return True


class _HeldLock:
    """A lock that this process holds."""

    def __init__(
        self,
        tables: LockTables,
        table: str,
        mine: Holder,
        expires: datetime,
        now: Callable[[], datetime],
        timing: LockTiming,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._tables = tables
        self._table = table
        self._mine = mine
        self._now = now
        self._timing = timing
        self._sleep = sleep
        self._expires = expires
        self.lost = False

    async def renew(self, body: asyncio.Task[object]) -> None:
        """Renew the lock until cancelled; if that fails for too long, interrupt the holder.

        An unforeseen failure also interrupts it, since another process may soon take the lock.
        """
        try:
            await self._renew_on()
        except Exception:
            self.lost = True
            body.cancel()
            raise
        self.lost = True
        body.cancel()

    async def _renew_on(self) -> None:
        """Renew the lock until it is lost."""
        while True:
            await self._sleep(self._timing.renewal_s(self._expires, self._now()))
            expires = self._timing.expires(self._now())
            try:
                held = self._timing.safe(self._expires, self._now()) and (
                    await self._tables.renew(self._table, self._mine, expires)
                )
            except SightlineError:
                continue  # there may be time for another attempt
            if not held:
                return
            self._expires = expires

    async def release(self) -> None:
        """Remove the lock, unless another process may hold it by now."""
        if self.lost or not self._timing.safe(self._expires, self._now()):
            return
        try:
            await self._tables.remove(self._table)
        except SightlineError:
            return  # it expires


@asynccontextmanager
async def _held(lock: _HeldLock, what: str) -> AsyncIterator[None]:
    """Renew a lock while the body runs, then release it.

    Raises:
        BusyError: the lock was lost, and the body interrupted.
        Exception: renewing failed in an unforeseen way, and the body was interrupted.
    """
    body = asyncio.current_task()
    assert body is not None  # a coroutine runs in a task
    renewing = asyncio.create_task(lock.renew(body))
    try:
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])
    except asyncio.CancelledError:
        if not lock.lost:
            raise
        body.uncancel()
        if not renewing.cancelled() and (failure := renewing.exception()) is not None:
            raise failure from None
        raise BusyError(
            f"{what}: the lock could not be renewed in time, and may be held by another process;"
            " try again"
        ) from None
    finally:
        await lock.release()


def _table_name(name: str) -> str:
    """Return a valid table name for any lock name, whatever characters a run's id has."""
    return PREFIX + hashlib.sha256(name.encode()).hexdigest()[:32]


def _held_by(holder: Holder, expires: datetime) -> str:
    until = expires.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"is held by {holder.owner} since {holder.since} (until {until} UTC unless renewed)"
