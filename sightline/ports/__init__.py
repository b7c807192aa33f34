"""The interfaces to everything outside the programs: one Protocol per port, with at most eight
methods.

Adapters live in ``sightline.local`` and, for Google Cloud, in ``sightline.gcp``; each passes its
port's suite in ``tests/contracts/``.
"""

from sightline.ports.answers import (
    MOST_GROUPS,
    AnswerQuality,
    AnswerQuery,
    AnswerRow,
    Answers,
    Coverage,
    Dimension,
    FieldSummary,
    Group,
    GroupKey,
)
from sightline.ports.budgets import (
    Amount,
    BudgetEvent,
    BudgetEventKind,
    Budgets,
    BudgetState,
    CallHistory,
    Limits,
    UnspentReservation,
    released_id,
)
from sightline.ports.consistency import Consistency
from sightline.ports.engine import Engine, Queue, Warehouse
from sightline.ports.ledgers import (
    ClassificationRow,
    DeadLetterRow,
    EmbeddingRow,
    Ledgers,
    Provenance,
    ResultRow,
    ResultWriter,
)
from sightline.ports.models import Classification, Classifier, Embedder, Embedding
from sightline.ports.part_batches import BatchOutcome, PartBatch, PartBatches, WarehouseUsage
from sightline.ports.peers import (
    MEMORY_LASTS_S,
    PeerRates,
    PeerReport,
    Peers,
    QuotaBelief,
    Remembered,
    UnseenPeers,
)
from sightline.ports.queue import (
    Backlog,
    BacklogReader,
    Delivery,
    Outgoing,
    Publisher,
    Subscription,
)
from sightline.ports.runs import DeadLetterFilter, DeadLetters, Overview, RunAccount, RunCost, Runs
from sightline.ports.search import (
    AnswerFilter,
    IndexState,
    Search,
    SearchHit,
    SearchPlan,
    SearchQuery,
    VectorIndexes,
)
from sightline.ports.source import ObservationSource
from sightline.ports.upkeep import Compacted, Repaired, Upkeep
from sightline.ports.vectors import EmbeddedImage, VectorPage, VectorQuery, Vectors

__all__ = [
    "MEMORY_LASTS_S",
    "MOST_GROUPS",
    "Amount",
    "AnswerFilter",
    "AnswerQuality",
    "AnswerQuery",
    "AnswerRow",
    "Answers",
    "Backlog",
    "BacklogReader",
    "BatchOutcome",
    "BudgetEvent",
    "BudgetEventKind",
    "BudgetState",
    "Budgets",
    "CallHistory",
    "Classification",
    "ClassificationRow",
    "Classifier",
    "Compacted",
    "Consistency",
    "Coverage",
    "DeadLetterFilter",
    "DeadLetterRow",
    "DeadLetters",
    "Delivery",
    "Dimension",
    "EmbeddedImage",
    "Embedder",
    "Embedding",
    "EmbeddingRow",
    "Engine",
    "FieldSummary",
    "Group",
    "GroupKey",
    "IndexState",
    "Ledgers",
    "Limits",
    "ObservationSource",
    "Outgoing",
    "Overview",
    "PartBatch",
    "PartBatches",
    "PeerRates",
    "PeerReport",
    "Peers",
    "Provenance",
    "Publisher",
    "Queue",
    "QuotaBelief",
    "Remembered",
    "Repaired",
    "ResultRow",
    "ResultWriter",
    "RunAccount",
    "RunCost",
    "Runs",
    "Search",
    "SearchHit",
    "SearchPlan",
    "SearchQuery",
    "Subscription",
    "UnseenPeers",
    "UnspentReservation",
    "Upkeep",
    "VectorIndexes",
    "VectorPage",
    "VectorQuery",
    "Vectors",
    "Warehouse",
    "WarehouseUsage",
    "released_id",
]
