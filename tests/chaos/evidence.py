"""What a round leaves behind, as plain values: what the checks look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sightline.model import Balance
from sightline.ports import Amount, DeadLetterRow, Limits
from tests.chaos.models import ModelCall
from tests.chaos.plan import Plan


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was done to a round, and when, by the monotonic clock."""

    what: str
    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: ``status`` is minus a signal's number where a signal ended it.

    ``killed`` and ``sent_term`` say what was done to it, ``harmed`` that a disk was broken.
    """

    role: str
    number: int
    status: int
    killed: bool
    sent_term: bool
    harmed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a ledger's raw files; ``durable_s`` is when its file was complete (monotonic)."""

    about: tuple[str, str]
    part_key: str
    worker_id: str
    attempt: int
    written_at: datetime
    cost_usd_micros: int
    durable_s: float


@dataclass(frozen=True, slots=True)
class Ledgers:
    """What the ledgers of a home say; ``views`` are rows and distinct keys by view."""

    balance: Balance
    views: Mapping[str, tuple[int, int]]
    rows: Sequence[Row]
    dead: Sequence[DeadLetterRow]
    spent: Amount
    files: Sequence[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A round that is over."""

    plan: Plan
    lease_s: float
    call_timeout_s: float
    most_outstanding: int
    ledgers: Ledgers
    compacted: Ledgers | None
    calls: Sequence[ModelCall]
    happenings: Sequence[Happening]
    notes: Sequence[Mapping[str, Any]]
    exits: Sequence[Exit]
    left_running: Sequence[int]
    limits: Limits
    called_within_limits: Sequence[ModelCall]
    seconds: float
    skipped: Sequence[str] = field(default_factory=tuple)

    def noted(self, what: str) -> list[Mapping[str, Any]]:
        """Return what processes noted of this kind."""
        return [note for note in self.notes if note["what"] == what]

    def happened(self, *whats: str) -> list[Happening]:
        """Return what was done of these kinds."""
        return [happening for happening in self.happenings if happening.what in whats]
