"""Trains the lists and codes of an index with faiss in rounds, to report progress."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sightline.local.vectors.choice import SMALLEST, lists_for
from sightline.local.vectors.index import Vectors

_TRAINING_PER_LIST = 40
_ROUNDS = 6
_SEED = 1
_ROUNDS_DONE = 50
_CODES_DONE = 60
"""How much is done, of 100, after training lists and codes, as measured."""


def unheard(_: int) -> None:
    """Report nothing."""


def train_codes(
    vectors: Vectors, *, threads: int, on_progress: Callable[[int], None]
) -> tuple[Any, int]:
    """Return an empty index trained on a sample of the vectors, and how much of 100 is done."""
    faiss = import_faiss()
    count, dimension = vectors.shape
    codes = faiss.index_factory(dimension, factory_of(count, dimension), faiss.METRIC_INNER_PRODUCT)
    sample_size = min(count, max(SMALLEST, _TRAINING_PER_LIST * codes.nlist))
    rows = np.random.default_rng(_SEED).choice(count, sample_size, replace=False)
    sample = np.ascontiguousarray(vectors[np.sort(rows)])
    codes.pq.cp.min_points_per_centroid = 1
    with bounded_threads(faiss, threads):
        lists = faiss.Clustering(dimension, codes.nlist)
        lists.niter, lists.seed, lists.spherical = 1, _SEED, True
        lists.min_points_per_centroid = 1
        for number in range(1, _ROUNDS + 1):  # each round continues from the centroids of the last
            lists.train(sample, faiss.IndexFlatIP(dimension))
            on_progress(_ROUNDS_DONE * number // _ROUNDS)
        codes.quantizer.add(faiss.vector_to_array(lists.centroids).reshape(-1, dimension))
        codes.train(sample)
    on_progress(_CODES_DONE)
    return codes, _CODES_DONE


def factory_of(count: int, dimension: int) -> str:
    """Return faiss's name for an index of this many vectors.

    A code has 4 bits for every 4 components, or for fewer if the dimension is not divisible by 4.
    """
    size = next(size for size in (4, 3, 2, 1) if dimension % size == 0)
    return f"IVF{lists_for(count)},PQ{dimension // size}x4fs"


def import_faiss() -> Any:
    """Return faiss, imported on first use (0.2 s)."""
    with warnings.catch_warnings():  # SWIG's types lack __module__, deprecated since Python 3.12
        warnings.simplefilter("ignore", DeprecationWarning)
        import faiss  # noqa: PLC0415 - slow to import, and not needed while vectors are few
    return faiss


@contextmanager
def bounded_threads(faiss: Any, threads: int) -> Iterator[None]:
    """Limit faiss to this many threads within the block (the setting is process-wide)."""
    before = faiss.omp_get_max_threads()
    if threads:
        faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
