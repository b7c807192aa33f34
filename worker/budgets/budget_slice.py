"""What a worker may still spend of one run's budget: a pure state machine, with time passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sightline.ports import Amount, BudgetState, Limits

SLICES = 50
"""A slice is at least this share of the budget, so that reservations are rare ..."""

FEW_CALLS = 4
"""... and enough for at least this many calls."""

SLICE_LASTS = timedelta(minutes=30)
"""How long after its last event a worker may spend its reservations, in seconds."""

ABANDONED_AFTER = timedelta(hours=1)
"""When others may release a silent worker's reservations: well after it stopped spending."""

LONG_DELAY_S = 600.0
"""The redelivery delay of a message whose run's budget is reached; Pub/Sub's maximum."""


@dataclass(slots=True)
class BudgetSlice:
    """What is left of the slices that a worker reserved from one run's budget.

    ``pending`` is an amount whose reservation is not confirmed yet. ``left`` falls below zero if
    calls cost more than estimated; the next slice makes up for it.
    """

    limits: Limits = field(default_factory=Limits)
    left: Amount = field(default_factory=Amount)
    pending: Amount = field(default_factory=Amount)
    calls: int = 0
    messages: int = 0
    last_event_id: str = ""
    last_at: datetime | None = None

    def take(self, needed: Amount) -> Amount | None:
        """Take an amount; return the limited part of it, or ``None`` if not enough is left."""
        if not self.covers(needed):
            return None
        amount = self.limits.of(needed)
        self.left -= amount
        return amount

    def covers(self, needed: Amount) -> bool:
        """Return whether this much is left."""
        needed = self.limits.of(needed)
        return (
            needed.cost_usd_micros == 0 or self.left.cost_usd_micros >= needed.cost_usd_micros
        ) and (needed.images == 0 or self.left.images >= needed.images)

    def charge(self, reserved: Amount, used: Amount) -> None:
        """Put back an amount that was taken, less the part that was used."""
        self.left += reserved - self.limits.of(used)

    def may_get_back(self, needed: Amount) -> bool:
        """Return whether calls under way may put back enough of what is needed."""
        needed = self.limits.of(needed)
        return (needed.cost_usd_micros > 0 and self.calls > 0) or (
            needed.images > 0 and self.messages > 0
        )

    def next_slice(self, state: BudgetState, needed: Amount, tries: int = 0) -> Amount | None:
        """Return the next slice to reserve, smaller with every try; ``None`` if none is left."""
        needed = state.limits.of(needed)
        cost = _slice(
            state.limits.cost_usd_micros,
            state.reserved.cost_usd_micros,
            needed.cost_usd_micros,
            self.left.cost_usd_micros,
            tries,
        )
        images = _slice(
            state.limits.images, state.reserved.images, needed.images, self.left.images, tries
        )
        return None if cost is None or images is None else Amount(cost, images)

    def reserved(self, event_id: str, slice_: Amount, at: datetime) -> None:
        """Note that a reservation is about to be recorded."""
        self.pending += slice_
        self.last_event_id, self.last_at = event_id, at

    def kept(self, slice_: Amount) -> None:
        """Note that a reservation stays within the budget."""
        self.pending -= slice_
        self.left += slice_

    def is_stale(self, now: datetime) -> bool:
        """Return whether the slices are so old that others may soon release them."""
        return self.last_at is not None and now - self.last_at > SLICE_LASTS

    def empty(self) -> Amount:
        """Return the amount to release, and keep nothing reserved."""
        rest = (self.left + self.pending).positive
        self.left, self.pending = self.left - self.left.positive, Amount()
        return rest


def _slice(limit: int | None, reserved: int, needed: int, left: int, tries: int) -> int | None:
    """Return how much of one kind to reserve: 0 if none is needed, ``None`` without room."""
    lacking = needed - left
    if limit is None or needed == 0 or lacking <= 0:
        return 0
    free = limit - reserved
    if free < lacking:
        return None
    return min(free, max(lacking, max(limit // SLICES, FEW_CALLS * needed) >> tries))


def is_abandoned(last_at: datetime, now: datetime) -> bool:
    """Return whether a worker with this last event no longer spends its reservations."""
    return now - last_at > ABANDONED_AFTER


def next_step(state: BudgetState) -> str:
    """Return the message about a budget that is reached, with the commands that resolve it."""
    limits, run_id = state.limits, state.run_id
    cost = limits.cost_usd_micros
    if cost is not None and (limits.images is None or state.reserved.images < limits.images):
        budget, more = f"${cost / 1e6:,.2f}", f"--max-cost {max(0.01, 2 * cost / 1e6):g}"
    else:
        images = limits.images or 0
        budget, more = f"{images:,} images", f"--max-images {max(1, 2 * images)}"
    return (
        f"the budget of run {run_id}, {budget}, is reached, and nothing else is queued;"
        f" `sightline budget {run_id} {more}` raises it, `sightline cancel {run_id}` ends the run"
    )
