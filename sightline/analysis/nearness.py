"""Cosines of all pairs of vectors, in blocks: time is quadratic in their number, memory is not.

Vectors are float32 of shape (n, dimension), each of length 1, or of length 0 if it has no
direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK = 2048
"""The number of vectors in a block: 16 MB of cosines."""

Array = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
OnBlock = Callable[[int, int], None]
"""Receives the number of finished blocks, and the total."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest neighbours of the vectors from ``start``, the best first; arrays of shape (count,
    k).
    """

    start: int
    rows: Rows
    cosines: Array


def nearest_others(
    vectors: Array, k: int, *, block: int = BLOCK, on_block: OnBlock | None = None
) -> Iterator[Nearest]:
    """Yield the ``k`` nearest neighbours of each vector, in blocks; fewer if there are fewer.

    Equal cosines are in the order of the rows.
    """
    count = len(vectors)
    k = min(k, count - 1)
    if k < 1:
        return
    starts = range(0, count, block)
    done = 0
    for at in starts:
        own = np.asarray(vectors[at : at + block])
        rows, cosines = np.zeros((len(own), 0), np.int64), np.zeros((len(own), 0), np.float32)
        for other in starts:
            products = own @ np.asarray(vectors[other : other + block]).T
            if other == at:
                np.fill_diagonal(products, -np.inf)
            there = np.broadcast_to(np.arange(products.shape[1]) + other, products.shape)
            rows, cosines = _best(
                np.concatenate((rows, there), axis=1),
                np.concatenate((cosines, products), axis=1),
                k,
            )
            done += 1
            if on_block is not None:
                on_block(done, len(starts) ** 2)
        yield Nearest(at, rows, cosines)


def unit_vectors(vectors: Array) -> Array:
    """Return vectors of length 1; those without a direction stay 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Array = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units


def _best(rows: Rows, cosines: Array, k: int) -> tuple[Rows, Array]:
    if cosines.shape[1] > k:
        some = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        rows = np.take_along_axis(rows, some, axis=1)
        cosines = np.take_along_axis(cosines, some, axis=1)
    order = np.lexsort((rows, -cosines), axis=1)
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(cosines, order, axis=1)
