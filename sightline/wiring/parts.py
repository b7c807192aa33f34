"""What an engine is made of: the ports of a queue, and the ports of a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.ports import (
    Answers,
    BacklogReader,
    Budgets,
    Consistency,
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

if TYPE_CHECKING:
    from sightline.local.marks import Marks
    from sightline.local.queue import LocalQueue

QueuedBodies = Callable[[str | None], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class QueuePorts:
    """A queue. ``bodies`` yields unsettled messages, of a run or of all, where the queue can tell.

    ``local`` is the queue itself where it is a file of this machine, and ``marks`` what its process
    shares with the local warehouse's writers.
    """

    publisher: Publisher
    subscription: Subscription
    backlog: BacklogReader
    bodies: QueuedBodies | None
    local: LocalQueue | None = None
    marks: Marks | None = None


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
    consistency: Consistency
