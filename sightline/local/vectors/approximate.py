"""Approximate search by faiss: inverted lists of 4-bit product codes, then an exact ranking.

The codes only choose candidates; their scores come from the vectors themselves, so that a score
is the same number whichever index found it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from sightline.errors import ConfigurationError
from sightline.local.vectors.exact import ExactIndex
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

SMALLEST = 512
"""Fewer vectors cannot train the codes."""
EXACT_ALLOWED = 20_000
"""With no more allowed rows than this, looking at each of them is as fast, and exact."""

_CANDIDATES = 20
"""Candidates ranked for each row asked for; at least ``_FEWEST_CANDIDATES``."""
_FEWEST_CANDIDATES = 200
_PROBED_SHARE = 8
"""One in so many lists is searched; codes are cheap to scan, and recall is dear."""
_TRAINING_PER_LIST = 40
_TRAINING_ROUNDS = 10
_ADDED_AT_ONCE = 65_536
_SEED = 1


class FaissIndex:
    """A ``VectorIndex`` for hundreds of thousands of vectors and more.

    It holds 4 bits for every 4 components beside the vectors, which may be a read-only memory
    map. ``threads`` bounds what faiss uses (0 leaves that to faiss).
    """

    def __init__(self, vectors: Vectors, codes: Any, *, threads: int = 0) -> None:
        """Search ``vectors`` through ``codes``, an index that ``build`` made of them."""
        self._exact = ExactIndex(vectors)
        self._vectors = vectors
        self._codes = codes
        self._threads = threads

    @classmethod
    def build(cls, vectors: Vectors, *, threads: int = 0) -> FaissIndex:
        """Train and fill an index; of the same vectors it makes the same one.

        Raises:
            ConfigurationError: fewer than ``SMALLEST`` vectors, or not finite unit vectors.
        """
        vectors = checked_vectors(vectors)
        if len(vectors) < SMALLEST:
            raise ConfigurationError(
                f"{len(vectors)} vectors are too few for codes; search them exactly"
            )
        faiss = import_faiss()
        codes = faiss.index_factory(
            vectors.shape[1], factory_of(*vectors.shape), faiss.METRIC_INNER_PRODUCT
        )
        codes.cp.seed = _SEED
        codes.cp.niter = _TRAINING_ROUNDS
        codes.cp.min_points_per_centroid = codes.pq.cp.min_points_per_centroid = 1
        count = min(len(vectors), max(SMALLEST, _TRAINING_PER_LIST * codes.nlist))
        sample = np.random.default_rng(_SEED).choice(len(vectors), count, replace=False)
        with bounded_threads(faiss, threads):
            codes.train(vectors[np.sort(sample)])
            for start in range(0, len(vectors), _ADDED_AT_ONCE):
                codes.add(np.ascontiguousarray(vectors[start : start + _ADDED_AT_ONCE]))
        return cls(vectors, codes, threads=threads)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._vectors)

    @property
    def dimension(self) -> int:
        """The length of each vector."""
        return int(self._vectors.shape[1])

    @property
    def codes(self) -> Any:
        """The faiss index, to be kept in a cache."""
        return self._codes

    def search(self, queries: Vectors, top: int, allowed: Allowed | None = None) -> Found:
        """Return the best rows found; see ``VectorIndex.search``."""
        queries = checked_search(self, queries, top, allowed)
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        wanted = max(_FEWEST_CANDIDATES, top * _CANDIDATES)
        if wanted >= count or (allowed is not None and count <= EXACT_ALLOWED):
            return self._exact.search(queries, top, allowed)
        candidates = self._look_up(queries, wanted, allowed, count)
        found = nothing_found(len(queries), min(top, len(self)))
        for i, query in enumerate(queries):
            rows = candidates[i][candidates[i] >= 0]
            if len(rows) < top:  # the lists that were searched held too few
                single = self._exact.search(queries[i : i + 1], top, allowed)
                found.scores[i], found.rows[i] = single.scores[0], single.rows[0]
                continue
            found.scores[i], found.rows[i] = rank(self._vectors, query, rows, top)
        return found

    def _look_up(self, queries: Vectors, wanted: int, allowed: Allowed | None, count: int) -> Rows:
        """Return ``wanted`` candidates a query, -1 where there are fewer."""
        faiss = import_faiss()
        lists = self._codes.nlist
        probes = max(1, lists // _PROBED_SHARE)
        options: dict[str, Any] = {}
        if allowed is not None:  # the neighbours left are further away, in more lists
            probes = min(lists, -(-probes * len(self) // count))
            options["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        parameters = faiss.SearchParametersIVF(nprobe=probes, **options)
        with bounded_threads(faiss, self._threads):
            _, rows = self._codes.search(queries, wanted, params=parameters)
        return np.asarray(rows, dtype=np.int64)


def factory_of(count: int, dimension: int) -> str:
    """Return faiss's name for the index of so many vectors.

    About ``4 * sqrt(count)`` lists, a power of two, as the faiss guidelines suggest
    (github.com/facebookresearch/faiss/wiki/Guidelines-to-choose-an-index); a code of 4 bits for
    every 4 components, or for fewer where 4 does not divide the dimension.
    """
    lists = 2 ** max(0, round(np.log2(4 * count**0.5)))
    lists = max(1, min(lists, count // 32))
    size = next(size for size in (4, 3, 2, 1) if dimension % size == 0)
    return f"IVF{lists},PQ{dimension // size}x4fs"


def import_faiss() -> Any:
    """Return faiss, imported when first needed (0.2 s)."""
    with warnings.catch_warnings():  # SWIG's types lack __module__, deprecated since Python 3.12
        warnings.simplefilter("ignore", DeprecationWarning)
        import faiss  # noqa: PLC0415 - slow to import, and not needed while vectors are few
    return faiss


@contextmanager
def bounded_threads(faiss: Any, threads: int) -> Iterator[None]:
    """Let faiss use so many threads meanwhile (the setting is the whole process's)."""
    before = faiss.omp_get_max_threads()
    if threads:
        faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
