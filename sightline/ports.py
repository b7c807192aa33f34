"""What the programs need of the world: one Protocol a port, at most eight methods each.

Adapters live in ``sightline.local`` (and, for Google Cloud, ``sightline.gcp``); each passes the
behavioural suite of its port in ``tests/contracts/``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sightline.errors import Reason
from sightline.model import (
    AnswerPart,
    Balance,
    EmbeddingPart,
    Filter,
    Observation,
    Preview,
    Run,
    RunRequest,
    Usage,
    WorkItem,
    WorkRange,
)
from sightline.tasks import TaskSpec

# --- what the producer needs ---------------------------------------------------------------


class ObservationSource(Protocol):
    """The observations, and the work lists drawn from them."""

    async def preview(self, request: RunRequest) -> Preview:
        """Count what a run of this request would do; write nothing."""
        ...

    async def open_run(self, request: RunRequest, *, run_id: str, now: datetime) -> Run:
        """Write the run, its observations and its work list in one step, or none of them.

        Parts that are written, dead and not replayed, or held by an open run are left out. Two
        producers at once take turns. A run without items is not written (``messages == 0``).
        """
        ...

    async def unpublished(self, run_id: str) -> Sequence[WorkRange]:
        """Return the ranges of a run's list that are not known to be published, in order."""
        ...

    async def items(self, work_range: WorkRange) -> Sequence[WorkItem]:
        """Return the items of a range, in order."""
        ...

    async def mark_published(self, work_range: WorkRange, *, now: datetime) -> None:
        """Record that a range is published."""
        ...

    def claim(self, run_id: str) -> AbstractAsyncContextManager[None]:
        """Hold a run for publishing, so that one producer at a time does it.

        Raises:
            BusyError: another live process holds it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be published."""

    body: bytes
    attributes: Mapping[str, str]


class Publisher(Protocol):
    """Where messages go."""

    async def publish(self, messages: Sequence[Outgoing], *, batch_key: str) -> int:
        """Publish a batch durably; return how many messages were published.

        An adapter that can publishes a batch once for its ``batch_key`` (0 the second time); one
        that cannot publishes at least once, and the workers' check before a paid call stands in.
        """
        ...


# --- what a worker needs ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivery:
    """A leased message. ``attempt`` is 1 plus the nacks plus the leases that ran out."""

    lease_id: str
    message_id: str
    body: bytes
    attributes: Mapping[str, str]
    attempt: int


class Subscription(Protocol):
    """Where messages come from, under leases. A lease that is lost is ignored by ack and nack."""

    async def pull(self, max_messages: int, *, lease_s: float) -> Sequence[Delivery]:
        """Lease up to ``max_messages``; an empty answer proves nothing about the backlog."""
        ...

    async def extend(self, lease_ids: Sequence[str], *, lease_s: float) -> frozenset[str]:
        """Let the leases run ``lease_s`` seconds from now; return those known to be lost."""
        ...

    async def ack(self, lease_ids: Sequence[str]) -> None:
        """Settle the messages: they are never delivered again."""
        ...

    async def nack(self, lease_ids: Sequence[str], *, delay_s: float = 0.0) -> None:
        """Give the messages back, to be delivered again after ``delay_s`` seconds or more."""
        ...

    async def collect_backstop(self, max_messages: int) -> Sequence[Delivery]:
        """Take messages that the queue itself gave up on; ack them once they are recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a queue holds of one run, or of all; ``None`` where it cannot tell."""

    ready: int | None
    leased: int | None
    oldest_age_s: float | None = None


class BacklogReader(Protocol):
    """A look into the queue, for status, drain and cancel."""

    async def backlog(self, run_id: str | None = None) -> Backlog:
        """Count unsettled messages."""
        ...

    async def purge(self, run_id: str) -> int:
        """Drop a cancelled run's unleased messages; return how many (0 where it cannot)."""
        ...


@dataclass(frozen=True, slots=True)
class Classification:
    """A model's answer: decoded JSON, not yet validated against the task."""

    answer: Mapping[str, object]
    finish_reason: str = "STOP"
    usage: Usage = field(default_factory=Usage)


class Classifier(Protocol):
    """A model that answers tasks."""

    @property
    def model(self) -> str:
        """The model's name, as it stands in part keys."""
        ...

    async def classify(
        self, task: TaskSpec, observations: Sequence[Observation], *, run_id: str
    ) -> Classification:
        """Answer a task about one subject, in exactly one call.

        Raises:
            ThrottledError, TransientError, PermanentError: see ``sightline.errors``.
            ConfigurationError: no call can succeed (credentials, a closed model).
        """
        ...


@dataclass(frozen=True, slots=True)
class Embedding:
    """A unit vector of the model's dimension; of a query, also the words it says nothing about."""

    vector: Sequence[float]
    usage: Usage = field(default_factory=Usage)
    unknown_words: tuple[str, ...] = ()


class Embedder(Protocol):
    """A model that places images and texts in one space."""

    @property
    def model(self) -> str:
        """The model's name, as it stands in part keys."""
        ...

    @property
    def dimension(self) -> int:
        """The length of its vectors."""
        ...

    async def embed_image(self, observation: Observation, *, run_id: str) -> Embedding:
        """Embed one image; raises as ``Classifier.classify`` does."""
        ...

    async def embed_text(self, text: str) -> Embedding:
        """Embed a query; raises as ``Classifier.classify`` does."""
        ...


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a result came about."""

    usage: Usage
    latency_ms: int
    attempt: int
    run_id: str
    worker_id: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class ClassificationRow:
    """A row of ``classifications``; ``observation`` is the first of the subject's."""

    part_key: str
    subject_id: str
    by_asset: bool
    observation: Observation
    part: AnswerPart
    answer_json: str
    finish_reason: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class EmbeddingRow:
    """A row of the ``embeddings`` table of its model and dimension."""

    part_key: str
    subject_id: str
    observation: Observation
    part: EmbeddingPart
    vector: Sequence[float]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """An event in the life of a dead letter: ``dead``, ``replayed`` or ``purged``."""

    event_id: str
    part_key: str
    message_id: str
    run_id: str
    subject_id: str
    event: str
    reason: Reason
    detail: str
    delivery_attempt: int
    usage: Usage
    body: str
    worker_id: str
    at: datetime


ResultRow = ClassificationRow | EmbeddingRow | DeadLetterRow


class ResultWriter(Protocol):
    """The ledgers, to append to."""

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Append rows; durable when it returns. Safe to repeat (views show one row a key).

        Raises:
            TransientError: the store is out of reach for now; nothing or all may be written.
            ConfigurationError: the store does not take such rows (schema, permission).
            StorageError: the disk is full or read-only.
        """
        ...


class Ledgers(Protocol):
    """The ledgers, as a worker reads them."""

    async def settled(self, part_keys: Sequence[str]) -> frozenset[str]:
        """Return which of the keys are written, or dead and not replayed."""
        ...

    async def written(self, part_keys: Sequence[str]) -> frozenset[str]:
        """Return which of the keys are written; a replayed dead letter asks only for these."""
        ...

    async def task_version(self, fingerprint: str) -> TaskSpec | None:
        """Return the task behind a fingerprint, resolved to its model."""
        ...

    async def cancelled_runs(self) -> frozenset[str]:
        """Return the ids of the runs that were cancelled."""
        ...

    async def missing(self) -> int:
        """Count parts of open work lists (all runs) that are neither written nor dead."""
        ...


# --- what people need --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a run used so far, its dead letters included."""

    input_tokens: int
    output_tokens: int
    cost_usd_micros: int


class Runs(Protocol):
    """Runs, as people look after them."""

    async def runs(self) -> Sequence[Run]:
        """Return all runs, the newest first."""
        ...

    async def balance(self, run_id: str) -> Balance:
        """Count where every part of a run is: work list, then queue, then ledgers are read."""
        ...

    async def lost(self, run_id: str, *, max_items: int) -> Sequence[WorkItem]:
        """Return the first items of a run that hold lost parts, with these parts alone."""
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


@dataclass(frozen=True, slots=True)
class AnswerFilter:
    """Keep subjects whose current answer of ``task`` has this value in ``field``."""

    task: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search in one model's space of one dimension; without a vector, filters alone."""

    model: str
    dimension: int
    vector: Sequence[float] | None
    top: int = 10
    filter: Filter = field(default_factory=Filter)
    answers: tuple[AnswerFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A found image; ``score`` is the cosine, from -1 to 1 (``None`` without a vector)."""

    observation: Observation
    score: float | None
    answers: Mapping[str, Mapping[str, object]]


class Search(Protocol):
    """Text to image and image to image, over what was embedded."""

    async def search(self, query: SearchQuery) -> Sequence[Hit]:
        """Return the best hits, the best first.

        Raises:
            NotFoundError: nothing was embedded by this model at this dimension.
        """
        ...
