"""The interface of a vector index, and its input: finite unit vectors of one dimension."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigurationError

NO_ROW = -1
"""Fills results with fewer rows than requested; its score is minus infinity."""

_UNIT_TOLERANCE = 0.01
_BLOCK_ROWS = 65_536

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Allowed = NDArray[np.bool_]


class Found(NamedTuple):
    """The best rows for each query, best first; arrays of shape (queries, min(top, rows))."""

    scores: Vectors
    rows: Rows


class VectorIndex(Protocol):
    """Vectors, numbered from 0, that can be searched. Thread-safe."""

    def __len__(self) -> int:
        """Return the number of vectors."""
        ...

    @property
    def dimension(self) -> int:
        """The length of each vector."""
        ...

    def search(self, queries: Vectors, top: int, allowed: Allowed | None = None) -> Found:
        """Return the ``top`` rows of the highest cosine for each query.

        ``queries`` has shape (q, dimension); ``allowed``, of shape (rows,), is applied before the
        search. Scores are cosines from -1 to 1; ties in the order of the rows. Missing rows are
        ``NO_ROW``.

        Raises:
            ConfigurationError: a shape does not fit, or a query is not a finite unit vector.
        """
        ...


def checked_vectors(vectors: Vectors, what: str = "vector") -> Vectors:
    """Return the vectors as contiguous float32, shape (n, dimension).

    Raises:
        ConfigurationError: they are of another shape, or one is not finite or not of length 1.
    """
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise ConfigurationError(
            f"{what}s of shape {vectors.shape} cannot be searched; give (count, dimension)"
        )
    contiguous = np.ascontiguousarray(vectors, dtype=np.float32)
    for start in range(0, len(contiguous), _BLOCK_ROWS):
        block = contiguous[start : start + _BLOCK_ROWS]
        squares = np.einsum("ij,ij->i", block, block)
        wrong = np.flatnonzero(~(np.abs(squares - 1.0) <= _UNIT_TOLERANCE))
        if wrong.size:
            row = int(wrong[0])
            raise ConfigurationError(
                f"{what} {start + row} has length {squares[row] ** 0.5:.4g}, not 1 (or holds NaN);"
                " embed it again"
            )
    return contiguous


def checked_search(
    index: VectorIndex, queries: Vectors, top: int, allowed: Allowed | None
) -> Vectors:
    """Return the queries as contiguous float32.

    Raises:
        ConfigurationError: see ``VectorIndex.search``.
    """
    if top < 1:
        raise ConfigurationError(f"the best {top} cannot be found; ask for 1 or more")
    checked = checked_vectors(queries, "query")
    if checked.shape[1] != index.dimension:
        raise ConfigurationError(
            f"a query of dimension {checked.shape[1]} cannot be compared with vectors of dimension"
            f" {index.dimension}; use the model that made them"
        )
    if allowed is not None and (allowed.shape != (len(index),) or allowed.dtype != np.bool_):
        raise ConfigurationError(
            f"a filter of shape {allowed.shape} and type {allowed.dtype} does not fit;"
            f" give {len(index)} booleans"
        )
    return checked


def nothing_found(queries: int, top: int) -> Found:
    """Return a result that consists of ``NO_ROW``, to be filled."""
    scores = np.full((queries, top), -np.inf, dtype=np.float32)
    return Found(scores, np.full((queries, top), NO_ROW, dtype=np.int64))
