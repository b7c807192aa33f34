"""The engine: all ports except the models, opened from one configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from sightline.ports.answers import Answers
from sightline.ports.budgets import Budgets
from sightline.ports.consistency import Consistency
from sightline.ports.gallery import Gallery
from sightline.ports.ledgers import Ledgers, ResultWriter
from sightline.ports.peers import Peers, UnseenPeers
from sightline.ports.queue import BacklogReader, Publisher, Subscription
from sightline.ports.runs import DeadLetters, Runs
from sightline.ports.search import Search, VectorIndexes
from sightline.ports.source import ObservationSource
from sightline.ports.upkeep import Upkeep
from sightline.ports.vectors import Vectors
from sightline.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The ports of a queue."""

    publisher: Publisher
    subscription: Subscription
    backlog: BacklogReader
    peers: Peers = field(default_factory=UnseenPeers)


@dataclass(frozen=True, kw_only=True)
class Warehouse:
    """The ports of a warehouse: the observations and the ledgers, since some statements read both.

    ``settings`` are those it was opened with.
    """

    settings: Settings
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
    gallery: Gallery


@dataclass(frozen=True, kw_only=True)
class Engine(Queue, Warehouse):
    """A queue and its warehouse."""
