"""Exact search: one matrix product, and a selection that adds little to it."""

from __future__ import annotations

import numpy as np

from sightline.local.vectors.index import (
    Allowed,
    Found,
    Rows,
    Vectors,
    checked_search,
    checked_vectors,
    nothing_found,
)
from sightline.local.vectors.ranking import rank

GATHER_SHARE = 0.125
"""Below this share of allowed rows, copying them costs less than scoring all."""

_SCORES_AT_ONCE = 1 << 25
_GATHER_ROWS = 16_384
_GROUP = 128
_HALF_ULP = 2.0**-24


class ExactIndex:
    """A ``VectorIndex`` that compares every allowed row. Vectors may be a read-only memory map."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = checked_vectors(vectors)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._vectors)

    @property
    def dimension(self) -> int:
        """The length of each vector."""
        return int(self._vectors.shape[1])

    def search(self, queries: Vectors, top: int, allowed: Allowed | None = None) -> Found:
        """Return the best rows; see ``VectorIndex.search``."""
        queries = checked_search(self, queries, top, allowed)
        top = min(top, len(self))
        results = nothing_found(len(queries), top)
        rows = None if allowed is None else np.flatnonzero(allowed)
        gathered = rows is not None and len(rows) < GATHER_SHARE * len(self)
        width = len(rows) if rows is not None and gathered else len(self)
        step = max(1, _SCORES_AT_ONCE // max(1, width))
        for start in range(0, len(queries) if width else 0, step):
            some = queries[start : start + step]
            if rows is not None and gathered:
                scores = self._score_rows(some, rows)
            else:
                scores = some @ self._vectors.T
                if allowed is not None:
                    np.copyto(scores, -np.inf, where=~allowed)
            for i, query in enumerate(some):
                chosen = best_of(scores[i], top, self.dimension)
                candidates = rows[chosen] if rows is not None and gathered else chosen
                best, where = rank(self._vectors, query, candidates, top)
                results.scores[start + i, : len(best)] = best
                results.rows[start + i, : len(where)] = where
        return results

    def _score_rows(self, queries: Vectors, rows: Rows) -> Vectors:
        scores = np.empty((len(queries), len(rows)), dtype=np.float32)
        for start in range(0, len(rows), _GATHER_ROWS):
            block = self._vectors[rows[start : start + _GATHER_ROWS]]
            scores[:, start : start + len(block)] = queries @ block.T
        return scores


def best_of(scores: Vectors, top: int, dimension: int) -> Rows:
    """Return the rows that may be among the best, given the rounding error of float32 sums."""
    # The error of a sum of d products of unit vectors is at most d/2 ulp (Higham, Accuracy and
    # Stability of Numerical Algorithms, 3.1); two such sums are compared.
    slack = 2 * dimension * _HALF_ULP
    enough = _at_most_the_kth_best(scores, top) - slack
    return np.flatnonzero((scores >= enough) & (scores > -np.inf))


def _at_most_the_kth_best(scores: Vectors, top: int) -> float:
    """Return a bound that at least ``top`` scores reach, slightly below the ``top``-th best.

    The best scores of each group are scores too, so the ``top``-th best of those is a bound, which
    takes one pass instead of a partition of all.
    """
    groups = len(scores) // _GROUP
    if groups >= 2 * top:
        scores = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
    if len(scores) <= top:
        return -np.inf
    return float(np.partition(scores, len(scores) - top)[len(scores) - top])
