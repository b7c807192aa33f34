"""Search over what was embedded and answered, and the indexes that make it fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from sightline.errors import ConfigurationError, NotFoundError
from sightline.model import Filter, Observation

SearchMethod = Literal["exact", "index", "newest"]
IndexCondition = Literal["none", "building", "ready", "behind", "unusable"]


@dataclass(frozen=True, slots=True)
class AnswerFilter:
    """Keep subjects whose current answer of ``task`` has this value in ``field``."""

    task: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search in one model's space of one dimension; without a vector, filters alone.

    ``leave_out`` is the id of an observation that is no hit.
    """

    model: str
    dimension: int
    vector: Sequence[float] | None
    top: int = 10
    filter: Filter = field(default_factory=Filter)
    answers: tuple[AnswerFilter, ...] = ()
    leave_out: str | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether anything but ``leave_out`` keeps images out."""
        return bool(self.answers) or self.filter != Filter(limit=self.filter.limit)


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A found image; ``score`` is the cosine, from -1 to 1 (``None`` without a vector)."""

    observation: Observation
    score: float | None
    answers: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How a search is done, and why.

    ``rows`` are those of the space, ``allowed`` those that pass the filters, ``compared`` about as
    many as are looked at. ``lists`` of an index, of which ``probes`` are searched. Only an engine
    that is asked in SQL has a ``statement``, and bytes that it would read.
    """

    method: SearchMethod
    reason: str
    rows: int
    allowed: int
    compared: int
    lists: int | None = None
    probes: int | None = None
    bytes_read: int | None = None
    statement: str | None = None

    @property
    def selectivity(self) -> float:
        """The share of the rows that pass the filters; 1 without rows."""
        return self.allowed / self.rows if self.rows else 1.0


@dataclass(frozen=True, slots=True)
class IndexState:
    """What is known of the index of one model's vectors of one dimension.

    ``rows`` are the vectors there are, ``covered`` those that the index holds. ``behind``: it is
    used, with what it lacks compared besides. ``unusable``: it is there, and no search uses it.
    """

    name: str
    condition: IndexCondition
    rows: int
    covered: int
    detail: str
    lists: int | None = None
    stored: tuple[str, ...] = ()
    created_at: datetime | None = None
    refreshed_at: datetime | None = None
    bytes: int | None = None

    @property
    def coverage(self) -> float:
        """The share of the vectors that the index holds; 0 without any."""
        return min(1.0, self.covered / self.rows) if self.rows else 0.0


class Search(Protocol):
    """Text to image and image to image, over what was embedded."""

    async def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Return the best hits, the best first.

        Raises:
            NotFoundError: nothing was embedded by this model at this dimension.
        """
        ...

    async def explain(self, query: SearchQuery) -> SearchPlan:
        """Return how ``search`` would go about it; raises as it does. Nothing is searched."""
        ...

    async def check(self, model: str, dimension: int) -> None:
        """Check that there is something to search, before a query is embedded at a price.

        Raises:
            NotFoundError: nothing was embedded by this model at this dimension, naming those by
                which something was.
        """
        ...

    async def vector_of(self, observation_id: str, model: str, dimension: int) -> Sequence[float]:
        """Return the vector that was made of an image.

        Raises:
            NotFoundError: this image has none by this model at this dimension.
        """
        ...


NEWEST_SHOWN = "without words or an image the newest that pass are shown"
"""The reason of a plan without a vector."""


def check_length(query: SearchQuery) -> None:
    """Check that a query's vector has the dimension that is searched.

    Raises:
        ConfigurationError: it has another.
    """
    if query.vector is not None and len(query.vector) != query.dimension:
        raise ConfigurationError(
            f"the query has {len(query.vector)} dimensions, {query.model} has "
            f"{query.dimension}; embed it with the same model"
        )


def nothing_enqueued() -> NotFoundError:
    """Return the error of a search for the newest images where there is none."""
    return NotFoundError("no image was enqueued yet; run `sightline enqueue`")


Progress = Callable[[int, int | None], None]


class VectorIndexes(Protocol):
    """The indexes beside the vectors: one for each model and dimension, or none."""

    async def create(
        self, model: str, dimension: int, *, on_progress: Progress, wait: bool = True
    ) -> IndexState:
        """Make the index, or bring it up to date; with ``wait``, return when it is complete.

        Where it is there already, or is being made, only what is left is done or awaited.

        Raises:
            NotFoundError: nothing was embedded by this model at this dimension.
            ConfigurationError: there are too few vectors for one, or the engine refuses.
        """
        ...

    async def status(self, model: str, dimension: int) -> IndexState:
        """Return what is known of the index; raises ``NotFoundError`` as ``create`` does."""
        ...

    async def drop(self, model: str, dimension: int) -> bool:
        """Remove the index, and return whether there was one."""
        ...


def nothing_embedded(
    model: str, dimension: int, there: Mapping[tuple[str, int], int]
) -> NotFoundError:
    """Return the error of a space without vectors; ``there`` counts those of others."""
    if not there:
        return NotFoundError(
            f"nothing was embedded by {model} at {dimension} dimensions; "
            "run `sightline enqueue` and `sightline work`"
        )
    listed = ", ".join(
        f"{count:,} by {name} at {size}" for (name, size), count in sorted(there.items())
    )
    return NotFoundError(
        f"nothing was embedded by {model} at {dimension} dimensions, only {listed}; vectors of two"
        " models cannot be compared: set models.embed and models.embed_dimension to what there is,"
        " or run `sightline enqueue` and `sightline work`"
    )


def not_embedded(observation_id: str, model: str, dimension: int) -> NotFoundError:
    """Return the error of an image that has no vector."""
    return NotFoundError(
        f"no image {observation_id!r} was embedded by {model} at {dimension} dimensions; give an"
        " observation's id as `sightline search --json` shows it, or an image file"
    )
