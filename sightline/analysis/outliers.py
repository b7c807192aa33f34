"""Answers that disagree with the answers about the most similar images.

The neighbours in which a field is known vote, weighted by the inverse of their distance, as in IDW
interpolation; the distance is 1 less the cosine. An answer is an outlier if another value wins; its
score is the winner's share of the weight, less that of its own value. Unknown values neither vote
nor disagree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.analysis.consolidation import Value

SOFTENING = 0.01
"""Added to a distance, so that a copy of an image does not outweigh all others."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A similar image, its cosine, and its answer if known."""

    subject_id: str
    cosine: float
    value: Value | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An answer's own value, its neighbours' value, and how certain that is: from 0 to 1."""

    value: Value
    expected: Value
    score: float
    neighbours: tuple[Neighbour, ...]

    @property
    def votes(self) -> int:
        """How many neighbours have the expected value."""
        return sum(neighbour.value == self.expected for neighbour in self.neighbours)


def disagreement(
    value: Value | None, neighbours: Sequence[Neighbour], *, count: int, fewest: int
) -> Disagreement | None:
    """Return how an answer disagrees with its neighbours, which are sorted, the nearest first.

    The first ``count`` known ones vote; with fewer than ``fewest``, the result is ``None``.
    """
    if value is None:
        return None
    voters = tuple(neighbour for neighbour in neighbours if neighbour.value is not None)[:count]
    if len(voters) < max(1, fewest):
        return None
    weights: dict[Value, list[float]] = {}
    for neighbour in voters:
        if neighbour.value is not None:
            weights.setdefault(neighbour.value, []).append(_weight(neighbour.cosine))
    totals = {name: math.fsum(some) for name, some in weights.items()}
    total = math.fsum(totals.values())
    expected = max(totals, key=lambda name: totals[name])  # the first of equals is the nearest
    own = totals.get(value, 0.0)
    if expected == value or totals[expected] <= own:
        return None
    return Disagreement(value, expected, (totals[expected] - own) / total, voters)


def _weight(cosine: float) -> float:
    return 1 / (max(0.0, 1 - cosine) + SOFTENING)
