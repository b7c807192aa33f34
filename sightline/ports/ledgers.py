"""The ledgers: rows to append, and what a worker reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sightline.errors import Reason
from sightline.model import AnswerPart, EmbeddingPart, Observation, Usage
from sightline.tasks import TaskSpec


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
            UnwritableRowsError: some rows cannot be stored, for what they hold; all others are
                durable.
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

    async def finished(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these runs have as many results and dead letters as parts.

        A run that the ledgers do not know is among them. Rows are counted and not compared, so that
        it costs little: where parts were written twice, a run may be among them too early.
        """
        ...

    async def missing(self) -> int:
        """Count parts of open work lists (all runs) that are neither written nor dead."""
        ...

    async def image_buckets(self) -> frozenset[str]:
        """Return the buckets of all observations that were ever enqueued."""
        ...
