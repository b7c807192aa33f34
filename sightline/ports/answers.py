"""The current answers as people use them: row by row, counted, and checked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from sightline.model import Filter
from sightline.tasks import FieldSpec, TaskSpec

MOST_GROUPS = 10_000
"""Groups that one table may have; the largest come first, and the rest is not read."""


@dataclass(frozen=True, slots=True)
class AnswerQuery:
    """The current answers of one task that pass a filter (its limit is not used)."""

    task: TaskSpec
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A current answer, what was looked at, and where the answer comes from.

    ``observation_id`` is ``None`` where the subject is an asset; place and time are those of its
    first image then. ``answer`` is as the ledger holds it.
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
    """What answers are counted by.

    ``step`` is the edge of a cell in degrees, or the width of a bin of a number; a number without
    one is counted value by value. Cells and bins are whole multiples of it.
    """

    kind: DimensionKind
    field: FieldSpec | None = None
    step: float | None = None


GroupKey = str | float | tuple[int, int] | None
"""A text; a number, or the number of its bin; the numbers of a cell to the north and to the east;
``None`` where it is not known."""


@dataclass(frozen=True, slots=True)
class Group:
    """Answers that agree in every dimension."""

    keys: tuple[GroupKey, ...]
    answers: int


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """How a field was answered.

    ``unknown`` answers say so; ``missing`` ones are null, or an empty list. ``values`` are counted
    where the task lists them, and for booleans. ``assets`` have several images with a known value;
    ``disagreeing`` are those whose images differ (enums, booleans and integers).
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
    """What is to be known about the answers of a task before they are relied on.

    ``stale`` subjects have an answer at another fingerprint, and none at the active one.
    ``versions`` counts the fingerprints there are answers at.
    """

    answers: int
    without_position: int
    without_time: int
    stale: int
    versions: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many observations of a type are known, embedded, answered, and dead.

    ``dead`` are those with a dead letter of the task and no current answer. Without a task nothing
    counts as answered, and a dead letter of any part as dead.
    """

    asset_type: str
    observations: int
    assets: int
    embedded: int
    answered: int
    dead: int


class Answers(Protocol):
    """The current answers: one row a subject and task, at the active fingerprint."""

    async def tasks(self) -> Sequence[TaskSpec]:
        """Return the active version of each task that was ever asked, by name."""
        ...

    async def count(self, query: AnswerQuery) -> int:
        """Count the current answers."""
        ...

    def pages(self, query: AnswerQuery) -> AsyncIterator[Sequence[AnswerRow]]:
        """Yield the current answers page by page, in constant memory and in no stated order.

        Raises:
            StorageError: the answers cannot be read to their end.
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
        """Return what is to be known about the answers before they are relied on."""
        ...

    async def coverage(self, which: Filter, task: TaskSpec | None) -> Sequence[Coverage]:
        """Return how many observations that pass are known, answered, dead: a row a type.

        An answer about an asset is one about all its observations.
        """
        ...
