"""Counters of what a worker has done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """Counts since the worker started, of messages unless the name says otherwise.

    ``dead`` counts parts by reason, ``rows`` counts written rows by ledger.
    """

    pulled: int = 0
    redelivered: int = 0
    acked: int = 0
    nacked: int = 0
    nacked_at_stop: int = 0
    leases_lost: int = 0
    already_settled: int = 0
    cancelled: int = 0
    over_budget: int = 0
    answers: int = 0
    embeddings: int = 0
    calls: int = 0
    throttled: int = 0
    retries: int = 0
    cost_usd_micros: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
