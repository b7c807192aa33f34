"""Finds the parts of pulled messages that are already in the ledgers, so they are not paid again.

Redelivered messages are always looked up, in batches. First deliveries need no lookup where the
marks of queue and warehouse show that neither was restored. Elsewhere, a subscription may have been
set back to an earlier time, so that messages settled long ago arrive as first deliveries. Such a
message belongs to a finished run, or is older than any lease.
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
"""How long the state of a run (finished or not) is cached while messages arrive, in seconds."""


class Read(Protocol):
    """Reads with retries (``worker.concurrency.retry_until_stopped``)."""

    async def __call__(
        self, what: str, read: Callable[[], Awaitable[frozenset[str]]], /
    ) -> frozenset[str]:
        """Return what ``read`` returns."""
        ...


@dataclass(frozen=True, slots=True)
class LookupRule:
    """Which first deliveries are looked up: none if they are ``trusted``.

    Otherwise those published at least ``longest_lease_s`` ago, and those of finished runs.
    """

    trusted: bool
    longest_lease_s: float


class Lookup:
    """Looks up messages for which a paid call may already have been made."""

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
        """Return the parts of these messages that are already in the ledgers.

        Raises:
            TransientError: a stop was requested while the ledgers could not be read.
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
            with contextlib.suppress(PermanentError):  # the handler turns it into a dead letter
                keys = decode(delivery.body).part_keys()
                (replayed if _is_replay(delivery) else redelivered).extend(keys)
        if not (redelivered or replayed):
            return frozenset()

        async def look() -> frozenset[str]:
            settled = await self._ledgers.settled(redelivered)
            return settled | await self._ledgers.written(replayed)

        return await self._read("the ledgers cannot be read", look)

    def nothing_came(self) -> None:
        """Drop the cached states of runs: the empty queue's subscription may be set back."""
        self._finished.clear()

    def _is_suspect(self, delivery: Delivery, finished: Mapping[str, bool]) -> bool:
        if self._rule.trusted:
            return False
        old = delivery.age_s is not None and delivery.age_s >= self._rule.longest_lease_s
        return old or finished.get(_run_of(delivery), True)

    async def _finished_among(self, deliveries: Iterable[Delivery]) -> Mapping[str, bool]:
        """Return, for each run with a first delivery, whether it is finished."""
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
    """Return whether a message asks again about a part that is dead in the ledgers.

    A message that is looked up because of a possible restore counts as any other: its part may have
    failed again since.
    """
    return REPLAY in delivery.attributes and RECHECK not in delivery.attributes


def _run_of(delivery: Delivery) -> str:
    return delivery.attributes.get("run_id", "")
