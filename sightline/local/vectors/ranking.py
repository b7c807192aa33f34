"""Ranks a few candidate rows by exact cosine, in a deterministic order."""

from __future__ import annotations

import numpy as np

from sightline.local.vectors.index import Rows, Vectors

_BLOCK_ROWS = 4_096


def rank(vectors: Vectors, query: Vectors, candidates: Rows, top: int) -> tuple[Vectors, Rows]:
    """Return the scores and rows of the ``top`` best candidates, ties by row.

    Sums are computed in float64 and rounded once, so that equal vectors have equal scores at any
    position; the float32 product of a whole matrix does not guarantee that.
    """
    exact = query.astype(np.float64)
    scores = np.empty(len(candidates), dtype=np.float32)
    for start in range(0, len(candidates), _BLOCK_ROWS):
        block = candidates[start : start + _BLOCK_ROWS]
        scores[start : start + _BLOCK_ROWS] = vectors[block].astype(np.float64) @ exact
    order = np.lexsort((candidates, -scores))[:top]
    return scores[order], candidates[order]
