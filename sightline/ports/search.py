"""Search over embeddings and answers, and the indexes that speed it up."""

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
    """A search among the vectors of one model and dimension; without a vector, by filters alone.

    ``leave_out`` is the id of an observation to exclude. Without ``details``, hits have only the
    identity, position and time of their images, and no answers.
    """

    model: str
    dimension: int
    vector: Sequence[float] | None
    top: int = 10
    filter: Filter = field(default_factory=Filter)
    answers: tuple[AnswerFilter, ...] = ()
    leave_out: str | None = None
    details: bool = True

    @property
    def is_filtered(self) -> bool:
        """Whether any condition other than ``leave_out`` excludes images."""
        return bool(self.answers) or self.filter != Filter(limit=self.filter.limit)


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A hit; ``score`` is the cosine, from -1 to 1 (``None`` without a vector)."""

    observation: Observation
    score: float | None
    answers: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How a search is executed, and why.

    ``rows`` counts the vectors, ``allowed`` those that pass the filters, ``compared`` (about) those
    whose cosine is computed. An index has ``lists``, of which ``probes`` are searched. Only engines
    that use SQL have a ``statement``, and the bytes that it would read.
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
    """The state of the index of one model's vectors of one dimension.

    ``rows`` counts the vectors, ``covered`` those in the index. ``behind``: searches use the index,
    and compare the missing vectors separately. ``unusable``: the index exists, but is not used.
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
        """The share of the vectors that are in the index; 0 without any."""
        return min(1.0, self.covered / self.rows) if self.rows else 0.0


class Search(Protocol):
    """Searches images by text or by image."""

    async def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Return the best hits, the best first.

        Raises:
            NotFoundError: nothing was embedded by this model at this dimension.
        """
        ...

    async def explain(self, query: SearchQuery) -> SearchPlan:
        """Return how ``search`` would execute this query, without searching; raises as it does."""
        ...

    async def check(self, model: str, dimension: int) -> None:
        """Check that there are vectors to search, before paying for the embedding of a query.

        Raises:
            NotFoundError: there is no vector by this model at this dimension; the message names the
                models and dimensions that have vectors.
        """
        ...

    async def vector_of(self, observation_id: str, model: str, dimension: int) -> Sequence[float]:
        """Return the vector of an image, float32 of shape (dimension,).

        Raises:
            NotFoundError: the image has no vector by this model at this dimension.
        """
        ...


NEWEST_SHOWN = "without words or an image, the newest images that pass the filters are shown"
"""The reason of a plan without a vector."""


def check_length(query: SearchQuery) -> None:
    """Check the dimension of a query's vector.

    Raises:
        ConfigurationError: it differs from the query's dimension.
    """
    if query.vector is not None and len(query.vector) != query.dimension:
        raise ConfigurationError(
            f"the query has {len(query.vector)} dimensions, {query.model} has "
            f"{query.dimension}; embed it with the same model"
        )


def nothing_enqueued() -> NotFoundError:
    """Return the error of a search by filters alone in a warehouse without images."""
    return NotFoundError("no image was enqueued yet; run `sightline enqueue`")


Progress = Callable[[int, int | None], None]


class VectorIndexes(Protocol):
    """The indexes of the vectors: at most one per model and dimension."""

    async def create(
        self, model: str, dimension: int, *, on_progress: Progress, wait: bool = True
    ) -> IndexState:
        """Create or update the index; with ``wait``, return once it is complete.

        If it exists or is being built, only the missing part is built or awaited.

        Raises:
            NotFoundError: there is no vector by this model at this dimension.
            ConfigurationError: there are too few vectors for an index, or the engine refuses.
        """
        ...

    async def status(self, model: str, dimension: int) -> IndexState:
        """Return the state of the index; raises ``NotFoundError`` as ``create`` does."""
        ...

    async def drop(self, model: str, dimension: int) -> bool:
        """Remove the index, and return whether there was one."""
        ...


def nothing_embedded(
    model: str, dimension: int, there: Mapping[tuple[str, int], int]
) -> NotFoundError:
    """Return the error of a space without vectors; ``there`` counts those of other spaces."""
    if not there:
        return NotFoundError(
            f"nothing was embedded by {model} at {dimension} dimensions; run `sightline enqueue`"
            " and `sightline work`, or, if they have run, `sightline dead-letters list`"
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
