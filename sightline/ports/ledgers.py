"""The ledgers: rows to append, and what a worker reads."""

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
    """Where a result comes from."""

    usage: Usage
    latency_ms: int
    attempt: int
    run_id: str
    worker_id: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class ClassificationRow:
    """A row of ``classifications``; ``observation`` is the first of its subject."""

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
    """Appends rows to the ledgers."""

    async def write(self, rows: Sequence[ResultRow]) -> None:
        """Append rows; durable on return. Safe to repeat: views show one row per key.

        Raises:
            TransientError: the store is unreachable; none or all of the rows may be written.
            ConfigurationError: the store does not take such rows (schema, permission).
            StorageError: the disk is full or read-only.
            UnwritableRowsError: some rows have content that cannot be stored; all others are
                durable.
        """
        ...


class Ledgers(Protocol):
    """What a worker reads from the ledgers."""

    async def settled(self, part_keys: Sequence[str]) -> frozenset[str]:
        """Return the keys that are written, or dead and not replayed."""
        ...

    async def written(self, part_keys: Sequence[str]) -> frozenset[str]:
        """Return the keys that are written; the lookup for replayed dead letters."""
        ...

    async def task_version(self, fingerprint: str) -> TaskSpec | None:
        """Return the task with this fingerprint, resolved to its model."""
        ...

    async def cancelled_runs(self) -> frozenset[str]:
        """Return the ids of cancelled runs."""
        ...

    async def finished(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these runs have as many results and dead letters as parts.

        Runs that the ledgers do not know are included. To keep this cheap, rows are counted without
        comparing them: if parts were written twice, a run may be included too early.
        """
        ...

    async def missing(self) -> int:
        """Count the parts of open work lists (all runs) that are neither written nor dead."""
        ...

    async def image_buckets(self) -> frozenset[str]:
        """Return the buckets of all observations that were ever enqueued."""
        ...
