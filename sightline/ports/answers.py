"""The current answers: row by row, counted, and checked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from sightline.model import Filter
from sightline.tasks import FieldSpec, TaskSpec

MOST_GROUPS = 10_000
"""The most groups in one table; the largest come first, and the rest is not read."""


@dataclass(frozen=True, slots=True)
class AnswerQuery:
    """The current answers of one task that pass a filter (its limit is not used)."""

    task: TaskSpec
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A current answer, its subject, and its provenance.

    ``observation_id`` is ``None`` if the subject is an asset; place and time are then those of its
    first image. ``answer`` is as stored in the ledger.
    """

    subject_id: str
    observation_id: str | None
    asset_id: str
    snapshot_id: str
    asset_type: str
    gcs_uri: str
    latitude: float | None
    longitude: float | None
    capture_time: datetime | None
    answer: Mapping[str, object]
    fingerprint: str
    model: str
    run_id: str
    written_at: datetime
    part_key: str


DimensionKind = Literal["field", "asset_type", "month", "cell"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension by which answers are counted.

    ``step`` is the edge of a cell in degrees, or the width of a number's bin; a number without a
    step is counted value by value. Cells and bins start at whole multiples of it.
    """

    kind: DimensionKind
    field: FieldSpec | None = None
    step: float | None = None


GroupKey = str | float | tuple[int, int] | None
"""A text; a number, or the index of its bin; the indices of a cell to the north and to the east;
``None`` if it is not known.
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Answers with the same value in every dimension."""

    keys: tuple[GroupKey, ...]
    answers: int


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """How a field was answered.

    ``unknown`` counts answers of unknown; ``missing`` counts nulls and empty lists. ``values`` are
    counted for booleans, and if the task lists them. ``assets`` counts those with a known value in
    several images; ``disagreeing`` counts those whose images differ (enums, booleans and integers).
    """

    field: FieldSpec
    known: int
    unknown: int
    missing: int
    values: tuple[tuple[str, int], ...] = ()
    minimum: float | None = None
    mean: float | None = None
    maximum: float | None = None
    assets: int | None = None
    disagreeing: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerQuality:
    """What to check before relying on a task's answers.

    ``stale`` subjects have an answer only at another fingerprint than the active one. ``versions``
    counts the fingerprints that have answers.
    """

    answers: int
    without_position: int
    without_time: int
    stale: int
    versions: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many observations of a type are known, embedded, answered, and dead.

    ``dead`` observations have a dead letter of the task and no current answer. Without a task, none
    counts as answered, and a dead letter of any part counts as dead.
    """

    asset_type: str
    observations: int
    assets: int
    embedded: int
    answered: int
    dead: int


class Answers(Protocol):
    """The current answers: one row per subject and task, at the active fingerprint."""

    async def tasks(self) -> Sequence[TaskSpec]:
        """Return the active version of every task that was ever enqueued, by name."""
        ...

    async def count(self, query: AnswerQuery) -> int:
        """Count the current answers."""
        ...

    def pages(self, query: AnswerQuery) -> AsyncIterator[Sequence[AnswerRow]]:
        """Yield the current answers page by page, in constant memory and in no particular order.

        Raises:
            StorageError: the answers cannot be read completely.
        """
        ...

    async def counted(
        self, query: AnswerQuery, by: Sequence[Dimension], *, most: int = MOST_GROUPS
    ) -> Sequence[Group]:
        """Count the current answers by one dimension or several, the largest group first.

        An answer counts under each member of a list.
        """
        ...

    async def fields(self, query: AnswerQuery) -> Sequence[FieldSummary]:
        """Return how each field was answered, in the task's order."""
        ...

    async def quality(self, query: AnswerQuery) -> AnswerQuality:
        """Return what to check before relying on the answers."""
        ...

    async def coverage(self, which: Filter, task: TaskSpec | None) -> Sequence[Coverage]:
        """Return how many matching observations are known, answered, and dead, one row per type.

        An answer about an asset counts for all of its observations.
        """
        ...
