"""Search over what was embedded and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sightline.model import Filter, Observation


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
