"""Budgets: the limits of a run, and what workers have reserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sightline.model import Part


@dataclass(frozen=True, slots=True)
class Amount:
    """Money and images. 1 USD is 1,000,000 micros; an image counts once per message."""

    cost_usd_micros: int = 0
    images: int = 0

    def __add__(self, other: Amount) -> Amount:
        """Return the sum."""
        return Amount(self.cost_usd_micros + other.cost_usd_micros, self.images + other.images)

    def __sub__(self, other: Amount) -> Amount:
        """Return the difference, which may be negative."""
        return Amount(self.cost_usd_micros - other.cost_usd_micros, self.images - other.images)

    def __bool__(self) -> bool:
        """Return whether there is any money or any image."""
        return bool(self.cost_usd_micros or self.images)

    @property
    def positive(self) -> Amount:
        """The same amount, with negative parts set to zero."""
        return Amount(max(0, self.cost_usd_micros), max(0, self.images))


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a run; ``None`` is no limit."""

    cost_usd_micros: int | None = None
    images: int | None = None

    def __bool__(self) -> bool:
        """Return whether anything is limited."""
        return self.cost_usd_micros is not None or self.images is not None

    def hold(self, used: Amount) -> bool:
        """Return whether an amount is within the limits."""
        return (self.cost_usd_micros is None or used.cost_usd_micros <= self.cost_usd_micros) and (
            self.images is None or used.images <= self.images
        )

    def of(self, amount: Amount) -> Amount:
        """Return the amount without its unlimited parts."""
        return Amount(
            0 if self.cost_usd_micros is None else amount.cost_usd_micros,
            0 if self.images is None else amount.images,
        )


class BudgetEventKind(StrEnum):
    """An event's kind: limits set, a slice reserved or released, or the budget reached."""

    SET = "set"
    RESERVED = "reserved"
    RELEASED = "released"
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class BudgetEvent:
    """A row of ``budget_events``; of two with the same ``event_id``, the earlier counts."""

    event_id: str
    run_id: str
    event: BudgetEventKind
    worker_id: str
    cost_usd_micros: int | None
    images: int | None
    at: datetime


def released_id(event_id: str) -> str:
    """Return the id of the event that releases a worker's reservations as of this event.

    Whether the worker itself releases them or another worker that assumes it dead, it counts once.
    """
    return f"{event_id}/released"


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A run's limits, and the amount reserved of them: spent, or held by workers."""

    run_id: str
    limits: Limits = field(default_factory=Limits)
    reserved: Amount = field(default_factory=Amount)
    reached: bool = False
    last_event_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether the reservations stay within the limits."""
        return self.limits.hold(self.reserved)


@dataclass(frozen=True, slots=True)
class UnspentReservation:
    """An amount that a worker reserved and that no ledger shows as spent; ``last_*`` is its last
    event.
    """

    worker_id: str
    last_event_id: str
    last_at: datetime
    unspent: Amount


@dataclass(frozen=True, slots=True)
class CallHistory:
    """The costs of a part's calls in the ledgers: the means, and the highest."""

    calls: int = 0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    cost_usd_micros: float = 0.0
    most_cost_usd_micros: int = 0


class Budgets(Protocol):
    """The ledger ``budget_events``, and the spending shown by the other ledgers.

    Every method may raise TransientError, ConfigurationError and StorageError.
    """

    async def record(self, events: Sequence[BudgetEvent]) -> None:
        """Append events; on return they are durable, and visible to every later call of any
        process.

        Safe to repeat.
        """
        ...

    async def states(self, run_id: str | None = None) -> Mapping[str, BudgetState]:
        """Return the budgets by run, of one run or of all, without the runs that have none."""
        ...

    async def spent(self, run_id: str) -> Amount:
        """Return the sum that the ledgers show as spent for a run, including its dead letters."""
        ...

    async def unspent_reservations(self, run_id: str) -> Sequence[UnspentReservation]:
        """Return the workers that reserved more than the ledgers show as spent by them."""
        ...

    async def history(self, part: Part) -> CallHistory:
        """Return the costs so far of calls for this task and model, or for this embedding."""
        ...
