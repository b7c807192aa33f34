"""Runs and dead letters, as people look after them."""

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
    """What a run used so far, its dead letters included."""

    input_tokens: int
    output_tokens: int
    cost_usd_micros: int


@dataclass(frozen=True, slots=True)
class RunAccount:
    """A run, where its parts are, and what it used.

    ``spent`` is what counts against its budget; ``None`` where it has none, or is to be asked for.
    """

    run: Run
    balance: Balance
    cost: RunCost
    spent: Amount | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """All runs, the newest first, and how many dead letters there are, by reason."""

    accounts: Sequence[RunAccount]
    dead_by_reason: Mapping[str, int]


class Runs(Protocol):
    """Runs, as people look after them."""

    async def runs(self) -> Sequence[Run]:
        """Return all runs, the newest first."""
        ...

    async def balance(self, run_id: str) -> Balance:
        """Count where every part of a run is: work list, then queue, then ledgers are read."""
        ...

    async def overview(self, *, from_ledgers: bool) -> Overview:
        """Return the accounts of all runs, in one pass over the ledgers.

        With ``from_ledgers`` all is read from the ledgers themselves; without it an adapter may
        remember what it has read before, of what never changes.
        """
        ...

    def lost(self, run_id: str, *, page_items: int) -> AsyncIterator[Sequence[WorkItem]]:
        """Yield, by pages, the items of a run that hold lost parts, with these parts alone.

        An item comes once, also when its parts are still lost later on. Where nobody can look
        into the queue, every published part that is neither written nor dead may be lost.

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
        """Make a task's fingerprint known, and the active one of its name."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters are meant; nothing named means all."""

    reason: Reason | None = None
    run_id: str | None = None
    limit: int | None = None


class DeadLetters(Protocol):
    """Dead letters, as people look after them."""

    def list(self, which: DeadLetterFilter) -> AsyncIterator[DeadLetterRow]:
        """Yield the ``dead`` events that were neither replayed nor purged, oldest first."""
        ...

    async def record(self, events: Sequence[DeadLetterRow]) -> None:
        """Append events."""
        ...


def unknown_run(run_id: str) -> NotFoundError:
    """Return the error of a run that does not exist."""
    return NotFoundError(f"no run {run_id!r}; list the runs with `sightline status`")
