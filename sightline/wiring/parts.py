"""What an engine is made of: the ports of a queue, and the ports of a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sightline.ports import (
    Answers,
    BacklogReader,
    Budgets,
    DeadLetters,
    Ledgers,
    ObservationSource,
    Publisher,
    ResultWriter,
    Runs,
    Search,
    Subscription,
    Upkeep,
    VectorIndexes,
    Vectors,
)

QueuedBodies = Callable[[str], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class QueuePorts:
    """A queue. ``bodies`` yields a run's unsettled messages, where the queue can tell them."""

    publisher: Publisher
    subscription: Subscription
    backlog: BacklogReader
    bodies: QueuedBodies | None


@dataclass(frozen=True, slots=True)
class WarehousePorts:
    """A warehouse: the observations and the ledgers, since one statement reads both."""

    source: ObservationSource
    results: ResultWriter
    ledgers: Ledgers
    runs: Runs
    dead_letters: DeadLetters
    search: Search
    indexes: VectorIndexes
    budgets: Budgets
    upkeep: Upkeep
    answers: Answers
    vectors: Vectors
