"""Answers that disagree with those about the images most like theirs.

The neighbours in which a field is known vote on it, each weighted by the inverse of its distance,
as in IDW interpolation; the distance is 1 less the cosine. An answer is an outlier when another
value wins, and the score is by how much: the winner's share of the weight, less that of the
answer's own value. What is not known neither votes nor disagrees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.analysis.consolidation import Value

SOFTENING = 0.01
"""Added to a distance, so that a copy of an image does not outvote all others."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An image like another, its cosine, and what was answered about it, if that is known."""

    subject_id: str
    cosine: float
    value: Value | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An answer's own value, the one its neighbours have, and how sure that is: from 0 to 1."""

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
    """Return how an answer disagrees with its neighbours, which come with the nearest first.

    The first ``count`` that are known vote; where fewer than ``fewest`` are, nobody can tell.
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
