"""What a worker may still spend of one run's budget: a pure state machine, with time passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sightline.ports import Amount, BudgetState, Limits

SLICES = 50
"""A slice is this share of the budget, so that few reservations are made ..."""

FEW_CALLS = 4
"""... or enough for so many calls, if that is more."""

SLICE_LASTS = timedelta(minutes=30)
"""For how long after its last event a worker spends what it has reserved."""

ABANDONED_AFTER = timedelta(hours=1)
"""From when on others give back what a silent worker holds: well after it stopped spending."""

LONG_DELAY_S = 600.0
"""For how long a message is put off whose run's budget is reached; Pub/Sub allows no more."""


@dataclass(slots=True)
class BudgetSlice:
    """What is left of the slices that a worker reserved of one run's budget.

    ``pending`` is reserved and neither kept nor given back yet. ``left`` may fall below zero,
    by what calls cost beyond their estimates; the next slice makes up for it.
    """

    limits: Limits = field(default_factory=Limits)
    left: Amount = field(default_factory=Amount)
    pending: Amount = field(default_factory=Amount)
    calls: int = 0
    messages: int = 0
    last_event_id: str = ""
    last_at: datetime | None = None

    def take(self, needed: Amount) -> Amount | None:
        """Take so much; return what of it is limited, or ``None`` when that is not there."""
        if not self.covers(needed):
            return None
        taken = self.limits.of(needed)
        self.left -= taken
        return taken

    def covers(self, needed: Amount) -> bool:
        """Return whether so much is left."""
        needed = self.limits.of(needed)
        return (
            needed.cost_usd_micros == 0 or self.left.cost_usd_micros >= needed.cost_usd_micros
        ) and (needed.images == 0 or self.left.images >= needed.images)

    def charge(self, taken: Amount, used: Amount) -> None:
        """Put back what was taken, less what was used."""
        self.left += taken - self.limits.of(used)

    def may_get_back(self, needed: Amount) -> bool:
        """Return whether what is under way may put something back of what is needed."""
        needed = self.limits.of(needed)
        return (needed.cost_usd_micros > 0 and self.calls > 0) or (
            needed.images > 0 and self.messages > 0
        )

    def wish(self, state: BudgetState, needed: Amount, tries: int = 0) -> Amount | None:
        """Return the slice to reserve next, smaller with every try, or ``None``: none is left."""
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
        """Hear that a reservation is about to be recorded."""
        self.pending += slice_
        self.last_event_id, self.last_at = event_id, at

    def kept(self, slice_: Amount) -> None:
        """Hear that a reservation stays within the budget."""
        self.pending -= slice_
        self.left += slice_

    def is_stale(self, now: datetime) -> bool:
        """Return whether the slices are so old that others may soon give them back."""
        return self.last_at is not None and now - self.last_at > SLICE_LASTS

    def empty(self) -> Amount:
        """Return what is to be given back, and keep nothing reserved."""
        rest = (self.left + self.pending).positive
        self.left, self.pending = self.left - self.left.positive, Amount()
        return rest


def _slice(limit: int | None, reserved: int, needed: int, left: int, tries: int) -> int | None:
    """Return how much of one kind to reserve; 0 when nothing is needed, ``None`` without room."""
    lacking = needed - left
    if limit is None or needed == 0 or lacking <= 0:
        return 0
    free = limit - reserved
    if free < lacking:
        return None
    return min(free, max(lacking, max(limit // SLICES, FEW_CALLS * needed) >> tries))


def is_abandoned(last_at: datetime, now: datetime) -> bool:
    """Return whether a worker that was last heard of then no longer spends what it reserved."""
    return now - last_at > ABANDONED_AFTER


def next_step(state: BudgetState) -> str:
    """Return what a person can do about a budget that is reached."""
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
