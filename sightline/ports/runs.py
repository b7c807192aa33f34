"""Runs and dead letters, for status and upkeep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sightline.errors import NotFoundError, Reason
from sightline.model import Balance, Run, WorkItem
from sightline.ports.budgets import Amount
from sightline.ports.ledgers import DeadLetterRow
from sightline.tasks import TaskSpec


@dataclass(frozen=True, slots=True)
class RunCost:
    """The usage of a run so far, including its dead letters."""

    input_tokens: int
    output_tokens: int
    cost_usd_micros: int


@dataclass(frozen=True, slots=True)
class RunAccount:
    """A run, the states of its parts, and its usage.

    ``spent`` is the amount that counts against its budget; ``None`` if it has no budget, or was not
    requested.
    """

    run: Run
    balance: Balance
    cost: RunCost
    spent: Amount | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """All runs, the newest first, and the number of dead letters by reason."""

    accounts: Sequence[RunAccount]
    dead_by_reason: Mapping[str, int]


class Runs(Protocol):
    """Reads and changes runs."""

    async def runs(self) -> Sequence[Run]:
        """Return all runs, the newest first."""
        ...

    async def balance(self, run_id: str) -> Balance:
        """Count each run's parts by state; reads work list, queue and ledgers, in this order."""
        ...

    async def overview(self, *, from_ledgers: bool) -> Overview:
        """Return the accounts of all runs, in one pass over the ledgers.

        With ``from_ledgers``, everything is read from the ledgers; without, an adapter may use
        cached results about rows that never change.
        """
        ...

    def lost(self, run_id: str, *, page_items: int) -> AsyncIterator[Sequence[WorkItem]]:
        """Yield, page by page, the items of a run that have lost parts, with these parts alone.

        Each item occurs once per call, even if its parts are still lost in a later call. If the
        queue cannot be inspected, every published part that is neither written nor dead may be
        lost.

        Raises:
            NotFoundError: there is no such run.
        """
        ...

    async def cancel(self, run_id: str, *, now: datetime) -> None:
        """Record that a run is cancelled."""
        ...

    async def dead_by_reason(self, run_id: str | None = None) -> Mapping[str, int]:
        """Count dead letters, not replayed and not purged, by reason."""
        ...

    async def cost(self, run_id: str) -> RunCost:
        """Sum what a run used."""
        ...

    async def remember_task(self, task: TaskSpec, *, now: datetime) -> None:
        """Record a task version, and make it the active one of its name."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters to select; without any condition, all."""

    reason: Reason | None = None
    run_id: str | None = None
    limit: int | None = None
    part_key: str | None = None


class DeadLetters(Protocol):
    """Reads dead letters and appends their events."""

    def list(self, which: DeadLetterFilter) -> AsyncIterator[DeadLetterRow]:
        """Yield the ``dead`` events that were neither replayed nor purged, oldest first."""
        ...

    async def record(self, events: Sequence[DeadLetterRow]) -> None:
        """Append events."""
        ...


def unknown_run(run_id: str) -> NotFoundError:
    """Return the error of a run that does not exist."""
    return NotFoundError(f"no run {run_id!r}; list the runs with `sightline status`")
