"""Approximate search by faiss: inverted lists of 4-bit product codes, then an exact ranking.

The codes only select candidates; scores are computed from the vectors themselves, so that a score
is the same whichever index found it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightline.errors import ConfigurationError
from sightline.local.vectors.choice import SMALLEST, LookUp, look_up
from sightline.local.vectors.exact import ExactIndex, best_of
from sightline.local.vectors.index import (
    NO_ROW,
    Allowed,
    Found,
    Rows,
    Vectors,
    checked_search,
    checked_vectors,
    nothing_found,
)
from sightline.local.vectors.ranking import rank
from sightline.local.vectors.training import bounded_threads, import_faiss, train_codes, unheard

LOOSE_MOST = 20_000
"""Up to this many rows without codes are compared one by one; beyond, codes are added."""

_ADDED_AT_ONCE = 32_768


class FaissIndex:
    """A ``VectorIndex`` for hundreds of thousands of vectors and more.

    It holds 4 bits for every 4 components, in addition to the vectors, which may be a read-only
    memory map. ``rows_of`` maps each code to its row, or ``NO_ROW`` if the row no longer exists;
    without it, codes and rows have the same order. Rows without a code are compared one by one.
    ``threads`` bounds what faiss uses (0: faiss decides).
    """

    def __init__(
        self, vectors: Vectors, codes: Any, *, rows_of: Rows | None = None, threads: int = 0
    ) -> None:
        self._exact = ExactIndex(vectors)
        self._vectors = vectors
        self._codes = codes
        self._threads = threads
        self._rows_of = rows_of
        self._loose = np.empty(0, dtype=np.int64)
        self._gone = 0
        if rows_of is not None:
            there = rows_of[rows_of != NO_ROW]
            self._gone = len(rows_of) - len(there)
            coded = np.zeros(len(vectors), dtype=np.bool_)
            coded[there] = True
            self._loose = np.flatnonzero(~coded)
        self._loose_vectors = np.ascontiguousarray(vectors[self._loose])

    @classmethod
    def build(
        cls, vectors: Vectors, *, threads: int = 0, on_progress: Callable[[int], None] = unheard
    ) -> FaissIndex:
        """Train and fill an index; deterministic for the same vectors.

        ``on_progress`` receives how much is done, of 100.

        Raises:
            ConfigurationError: fewer than ``SMALLEST`` vectors, or not finite unit vectors.
        """
        vectors = checked_vectors(vectors)
        if len(vectors) < SMALLEST:
            raise ConfigurationError(
                f"{len(vectors)} vectors are too few for codes; search them exactly"
            )
        codes, trained = train_codes(vectors, threads=threads, on_progress=on_progress)
        _add(codes, vectors, np.arange(len(vectors)), threads, trained, on_progress)
        return cls(vectors, codes, threads=threads)

    def topped_up(self, *, on_progress: Callable[[int], None] = unheard) -> FaissIndex:
        """Return the index with codes added for rows without one; its lists do not change."""
        _add(self._codes, self._vectors, self._loose, self._threads, 0, on_progress)
        before = self.rows_of
        rows_of = np.concatenate([before, self._loose])
        return FaissIndex(self._vectors, self._codes, rows_of=rows_of, threads=self._threads)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._vectors)

    @property
    def dimension(self) -> int:
        """The length of each vector."""
        return int(self._vectors.shape[1])

    @property
    def codes(self) -> Any:
        """The faiss index, for storage on disk."""
        return self._codes

    @property
    def rows_of(self) -> Rows:
        """The row of each code."""
        return np.arange(self._codes.ntotal) if self._rows_of is None else self._rows_of

    @property
    def loose(self) -> int:
        """The number of rows without a code."""
        return len(self._loose)

    @property
    def gone(self) -> int:
        """The number of codes whose rows no longer exist."""
        return self._gone

    def search(self, queries: Vectors, top: int, allowed: Allowed | None = None) -> Found:
        """Return the best rows found; see ``VectorIndex.search``."""
        queries = checked_search(self, queries, top, allowed)
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        how = look_up(len(self), count, top, self._codes.nlist)
        if how is None:
            return self._exact.search(queries, top, allowed)
        candidates = self._look_up(queries, how, allowed)
        results = nothing_found(len(queries), min(top, len(self)))
        for i, query in enumerate(queries):
            rows = candidates[i][candidates[i] >= 0]
            if self._rows_of is not None:
                rows = self._with_loose(self._rows_of[rows], query, how.candidates, allowed)
            if len(rows) < top:  # the searched lists held too few
                single = self._exact.search(queries[i : i + 1], top, allowed)
                results.scores[i], results.rows[i] = single.scores[0], single.rows[0]
                continue
            rows = rows[best_of(self._vectors[rows] @ query, top, self.dimension)]
            results.scores[i], results.rows[i] = rank(self._vectors, query, rows, top)
        return results

    def _look_up(self, queries: Vectors, how: LookUp, allowed: Allowed | None) -> Rows:
        """Return the candidates' codes for each query, -1 if there are fewer."""
        faiss = import_faiss()
        options: dict[str, Any] = {}
        accepted = allowed
        if self._rows_of is not None and (allowed is not None or self._gone):
            accepted = self._rows_of != NO_ROW
            if allowed is not None:
                accepted &= allowed[self._rows_of]
        if accepted is not None:
            options["sel"] = faiss.IDSelectorBitmap(np.packbits(accepted, bitorder="little"))
        parameters = faiss.SearchParametersIVF(nprobe=how.probes, **options)
        with bounded_threads(faiss, self._threads):
            _, codes = self._codes.search(queries, how.candidates, params=parameters)
        return np.asarray(codes, dtype=np.int64)

    def _with_loose(self, rows: Rows, query: Vectors, most: int, allowed: Allowed | None) -> Rows:
        """Return these rows, and the best rows without a code."""
        if not len(self._loose):
            return rows
        scores = self._loose_vectors @ query
        if allowed is not None:
            scores[~allowed[self._loose]] = -np.inf
        best = best_of(scores, most, self.dimension)
        return np.concatenate([rows, self._loose[best]])


def _add(
    codes: Any,
    vectors: Vectors,
    rows: Rows,
    threads: int,
    done: int,
    on_progress: Callable[[int], None],
) -> None:
    """Add codes of these rows, in order, at ``done`` of 100."""
    with bounded_threads(import_faiss(), threads):
        for start in range(0, len(rows), _ADDED_AT_ONCE):
            block = rows[start : start + _ADDED_AT_ONCE]
            codes.add(np.ascontiguousarray(vectors[block]))
            on_progress(done + (100 - done) * min(start + len(block), len(rows)) // len(rows))
