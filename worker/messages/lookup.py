"""Which parts of what was pulled the ledgers hold already: those are not paid again.

A message that comes again is always looked up, in batches. A first delivery is not, since it cannot
have been worked on: where queue and warehouse tell by their marks that neither was restored, that
is so. Elsewhere a subscription may have been set back to an earlier time, and what was settled long
ago comes as a first delivery. Then it is of a run that is finished, or older than any lease.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sightline.errors import PermanentError
from sightline.ports import Delivery, Ledgers
from sightline.wire import RECHECK, REPLAY, decode
from worker.progress import Progress

FINISHED_HOLDS_S = 300.0
"""For how long it stands whether a run is finished, while messages keep coming."""


class Read(Protocol):
    """Reads, however many tries it takes (``worker.concurrency.retry_until_stopped``)."""

    async def __call__(
        self, what: str, read: Callable[[], Awaitable[frozenset[str]]], /
    ) -> frozenset[str]:
        """Return what ``read`` returns."""
        ...


@dataclass(frozen=True, slots=True)
class LookupRule:
    """Which first deliveries are looked up: none when they are ``trusted``.

    Otherwise those that were published ``longest_lease_s`` ago or more, and those of runs that are
    finished.
    """

    trusted: bool
    longest_lease_s: float


class Lookup:
    """Looks into the ledgers, where a paid call may have been made already."""

    def __init__(
        self,
        ledgers: Ledgers,
        progress: Progress,
        read: Read,
        rule: LookupRule,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._ledgers = ledgers
        self._progress = progress
        self._read = read
        self._rule = rule
        self._monotonic = monotonic
        self._finished: dict[str, tuple[bool, float]] = {}

    async def settled(self, deliveries: Sequence[Delivery]) -> frozenset[str]:
        """Return which parts of these messages the ledgers hold already.

        Raises:
            TransientError: a stop was asked for while the ledgers could not be read.
        """
        finished = await self._finished_among(deliveries)
        redelivered: list[str] = []
        replayed: list[str] = []
        for delivery in deliveries:
            if _may_be_first(delivery):
                if not self._is_suspect(delivery, finished):
                    continue
            else:
                self._progress.redelivered += 1
            with contextlib.suppress(PermanentError):  # the handler makes it a dead letter
                keys = decode(delivery.body).part_keys()
                (replayed if _is_replay(delivery) else redelivered).extend(keys)
        if not (redelivered or replayed):
            return frozenset()

        async def look() -> frozenset[str]:
            settled = await self._ledgers.settled(redelivered)
            return settled | await self._ledgers.written(replayed)

        return await self._read("the ledgers cannot be read", look)

    def nothing_came(self) -> None:
        """Forget which runs go on: what comes after an empty queue may have been set back."""
        self._finished.clear()

    def _is_suspect(self, delivery: Delivery, finished: Mapping[str, bool]) -> bool:
        if self._rule.trusted:
            return False
        old = delivery.age_s is not None and delivery.age_s >= self._rule.longest_lease_s
        return old or finished.get(_run_of(delivery), True)

    async def _finished_among(self, deliveries: Iterable[Delivery]) -> Mapping[str, bool]:
        """Return of each run that has a first delivery whether it is finished."""
        if self._rule.trusted:
            return {}
        run_ids = {_run_of(delivery) for delivery in deliveries if _may_be_first(delivery)} - {""}
        now_s = self._monotonic()
        unknown = [
            run_id
            for run_id in sorted(run_ids)
            if now_s >= self._finished.get(run_id, (False, now_s))[1]
        ]
        if unknown:
            done = await self._read(
                "the runs cannot be read", lambda: self._ledgers.finished(unknown)
            )
            until_s = self._monotonic() + FINISHED_HOLDS_S
            self._finished |= {run_id: (run_id in done, until_s) for run_id in unknown}
        return {run_id: self._finished[run_id][0] for run_id in run_ids}


def _may_be_first(delivery: Delivery) -> bool:
    return delivery.attempt == 1 and not {RECHECK, REPLAY} & delivery.attributes.keys()


def _is_replay(delivery: Delivery) -> bool:
    """Return whether a message's part is dead in the ledgers and meant to be asked again.

    A message that is to be looked up after a restore counts as any other: its part may have died
    again since.
    """
    return REPLAY in delivery.attributes and RECHECK not in delivery.attributes


def _run_of(delivery: Delivery) -> str:
    return delivery.attributes.get("run_id", "")
